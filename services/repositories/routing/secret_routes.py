import functools
import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from models.errors import EnvironmentUnreachable
from services.repositories.locations import PORTS, RemoteUrl
from services.repositories.paths import CONTROL
from services.repositories.routing.addresses import Address, AllowedHosts, CheckedHost
from services.repositories.routing.remote_access import RemoteAccess
from services.repositories.transport import UNATTENDED_SSH, Passage, isolated_environment

# Forges take any user name beside a token, and this one beside a key.
_ANY_USERNAME: Final = "git"
_FIRST_TO_PIN: Final = (2, 37)
_SSH: Final[Mapping[str, str]] = {
    **UNATTENDED_SSH,
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "PreferredAuthentications": "publickey",
    "StrictHostKeyChecking": "yes",
    "GlobalKnownHostsFile": "/dev/null",
    "UpdateHostKeys": "no",
    "VerifyHostKeyDNS": "no",
    "ClearAllForwardings": "yes",
}


@contextmanager
def private_file(content: str = "") -> Iterator[str]:
    """Lend the path of a file that only this user can read; it is gone behind the block.

    On Linux the file has no name on any disk and ends with this process, however it ends. Elsewhere it is a
    temporary file, which a killed process leaves behind.
    """
    in_memory = hasattr(os, "memfd_create")
    # Git and its children inherit no descriptor of it: they open it through this process.
    descriptor, path = (os.memfd_create("operationrun"), "") if in_memory else tempfile.mkstemp()
    try:
        os.fchmod(descriptor, 0o600)
        with os.fdopen(descriptor, "w", closefd=False) as file:
            file.write(content)
        yield path or f"/proc/{os.getpid()}/fd/{descriptor}"
    finally:
        os.close(descriptor)
        if path:
            os.unlink(path)  # noqa: PTH108 - mkstemp's own name


class HttpsRoute:
    """The way over https with a user name and a token, which git's credential helper reads for this host.

    No proxy: it would connect to an address of its own choice.
    """

    def __init__(self, remote: RemoteUrl, access: RemoteAccess, allowed: AllowedHosts) -> None:
        self.source = remote.written(None)
        self._origin = self.source.removesuffix(remote.path)
        self._host = CheckedHost(remote.host, remote.port, allowed)
        self._answer = f"username={access.username or _ANY_USERNAME}\npassword={access.secret}\n"
        self._is_sound = bool(access.secret) and not CONTROL.search(f"{access.username}{access.secret}")

    @contextmanager
    def passage(self) -> Iterator[Passage]:
        """Resolve and check the host, and keep the credential where only git's helper finds it."""
        if not self._is_sound:
            raise _unusable()
        addresses = self._host.addresses()
        with private_file(self._answer) as answer:
            helper = f'!f() {{ test "$1" = get && cat {answer}; }}; f'
            yield Passage(
                source=self.source,
                environment=isolated_environment(os.environ, protocol="https"),
                settings=(f"credential.{self._origin}.helper={helper}", *pinned(self._host, addresses)),
            )


class SshRoute:
    """The way over ssh with a private key and the host's keys, and nothing of the user's own ssh."""

    def __init__(self, remote: RemoteUrl, access: RemoteAccess, allowed: AllowedHosts) -> None:
        self.source = remote.written(access.username or remote.username or _ANY_USERNAME)
        self._host = CheckedHost(remote.host, remote.port, allowed)
        self._key, self._known_hosts = access.secret, access.known_hosts

    @contextmanager
    def passage(self) -> Iterator[Passage]:
        """Resolve and check the host, and keep the keys where only ssh finds them."""
        if not self._key or not self._known_hosts:
            raise _unusable()
        # OpenSSH takes a key without its last line's end for damaged.
        key, address = self._key.rstrip() + "\n", self._host.addresses()[0]
        with private_file(key) as identity, private_file(self._known_hosts.rstrip() + "\n") as known:
            yield Passage(
                source=self.source,
                environment={
                    **isolated_environment(os.environ, protocol="ssh"),
                    "GIT_SSH_COMMAND": _ssh_command(self._host, address, identity, known),
                    "GIT_SSH_VARIANT": "ssh",
                },
            )


def pinned(host: CheckedHost, addresses: Sequence[Address]) -> Sequence[str]:
    """Return the settings that hold git over https to these addresses of a host.

    Raises EnvironmentUnreachable where git is too old for that: it would resolve the host's name again.
    """
    if host.is_address:
        return ()
    if git_version() < _FIRST_TO_PIN:
        raise EnvironmentUnreachable("Repositories over https need git 2.37 or newer on the worker.")
    return (f"http.curloptResolve={host.host}:{host.port}:{','.join(map(str, addresses))}",)


@functools.cache
def git_version() -> tuple[int, ...]:
    """Return the first two numbers of git's version; none where git is not found."""
    try:
        said = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ()
    return tuple(map(int, re.findall(r"\d+", said)[:2]))


def _ssh_command(host: CheckedHost, address: Address, identity: str, known_hosts: str) -> str:
    options = {
        **_SSH,
        "HostName": str(address),
        # The name under which known_hosts has the host's keys.
        "HostKeyAlias": host.host if host.port == PORTS["ssh"] else f"[{host.host}]:{host.port}",
        "IdentityFile": identity,
        "UserKnownHostsFile": known_hosts,
    }
    return shlex.join(["ssh", "-F", "/dev/null", *(f"-o{name}={value}" for name, value in options.items())])


def _unusable() -> EnvironmentUnreachable:
    return EnvironmentUnreachable(
        "The environment's connection has no usable secret. Give the connection its secret again."
    )
