import os
import shutil
import socketserver
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path
from shlex import join
from uuid import uuid4

from tests.git_repository import ENVIRONMENT
from tests.remotes.connections import HOST, NAMED, ConnectionServer

# A command as git sends it: git-upload-pack '/path'. Of one that leads out of the folder nothing is run.
_GUARD = """#!/bin/sh
program=${SSH_ORIGINAL_COMMAND%% *}
path=$(echo "${SSH_ORIGINAL_COMMAND#* }" | tr -d "'")
case "$program $(realpath -m -- "$path")" in
    "git-upload-pack $1/"* | "git-receive-pack $1/"*) exec "$program" "$path" ;;
esac
echo 'not your repository' >&2
exit 1
"""


def find_sshd() -> str | None:
    """Return OpenSSH's server; None where the machine has none."""
    return shutil.which("sshd", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/local/sbin"]))


class SshServer(ConnectionServer):
    """OpenSSH as this user, with keys of its own: an `sshd -i` for each connection."""

    def __init__(self, sshd: str, folder: Path) -> None:
        super().__init__(_Connection)
        self._folder = folder
        for name in ("host_key", "user_key"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True
            )
        shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
        host_key = " ".join((folder / "host_key.pub").read_text().split()[:2])
        self.known_hosts = f"[{HOST}]:{self.port},[{NAMED}]:{self.port} {host_key}\n"
        (folder / "known_hosts").write_text(self.known_hosts)
        (folder / "sshd_config").write_text(self._configuration())
        self.command = [sshd, "-i", "-e", "-f", str(folder / "sshd_config")]

    def url(self, repository: Path) -> str:
        return f"ssh://{getuser()}@{HOST}:{self.port}{repository}"

    def add_key(self, served: Path) -> str:
        """Let a new key serve itself from one folder alone, as a forge does; return the private key."""
        key = self._folder / uuid4().hex
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        guard = self._folder / "guard"
        guard.write_text(_GUARD)
        guard.chmod(0o755)
        public = key.with_suffix(".pub").read_text()
        with (self._folder / "authorized_keys").open("a") as keys:
            keys.write(f'command="{guard} {served}",restrict {public}')
        return key.read_text()

    def client(self) -> str:
        """Return the ssh command that presents the one key and trusts the one host."""
        options = {
            "IdentityFile": self._folder / "user_key",
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self._folder / "known_hosts",
            "StrictHostKeyChecking": "yes",
        }
        return join(["ssh", "-F", "none", *(f"-o{name}={value}" for name, value in options.items())])

    def _configuration(self) -> str:
        # The user's shell runs what git asks for; from another home it reads none of the user's start files.
        set_there = ENVIRONMENT | {"HOME": str(self._folder)}
        variables = " ".join(f'"{name}={value}"' for name, value in set_there.items())
        return "\n".join(
            [
                f"HostKey {self._folder}/host_key",
                f"AuthorizedKeysFile {self._folder}/authorized_keys",
                "AuthenticationMethods publickey",
                "PermitRootLogin prohibit-password",
                # The key's folder is a temporary one, which sshd would find too open.
                "StrictModes no",
                "UsePAM no",
                # The quickest: each test makes dozens of connections.
                "KexAlgorithms curve25519-sha256",
                "PidFile none",
                "AcceptEnv GIT_PROTOCOL",
                f"SetEnv {variables}",
                "",
            ]
        )


class _Connection(socketserver.BaseRequestHandler):
    server: SshServer

    def handle(self) -> None:
        with (self.server._folder / "sshd.log").open("ab") as log:
            subprocess.run(
                self.server.command, stdin=self.request, stdout=self.request, stderr=log, check=False
            )


@contextmanager
def ssh_server(sshd: str, folder: Path) -> Iterator[SshServer]:
    """Accept connections until the end of the block."""
    if os.geteuid() == 0:
        # Where sshd leaves its privileges; the system's service makes it too.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with SshServer(sshd, folder) as server, server.running():
        yield server
