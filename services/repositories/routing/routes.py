import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from models.errors import EnvironmentUnreachable, InvalidInput
from services.repositories.locations import RemoteUrl, file_path, remote_url
from services.repositories.routing.addresses import AllowedHosts, CheckedHost
from services.repositories.routing.file_repositories import resolve_repository
from services.repositories.routing.remote_access import ConnectionKind, RemoteAccess
from services.repositories.routing.secret_routes import HttpsRoute, SshRoute, pinned
from services.repositories.transport import Passage, isolated_environment, machine_environment


class Route(Protocol):
    """The way to one environment's repository, which is checked again for each git command."""

    source: str

    def passage(self) -> AbstractContextManager[Passage]:
        """Check where the way leads now and lend what git needs to go it.

        Raises EnvironmentUnreachable where it leads to what may not be reached.
        """


def route_to(
    url: str, access: RemoteAccess, *, allowed_file_roots: Sequence[Path], allowed_hosts: AllowedHosts
) -> Route:
    """Return the way to a URL that an access opens.

    Raises InvalidInput where the URL is not allowed, or is of another kind or host than the access.
    """
    path = file_path(url)
    if access.kind is ConnectionKind.FILE and path is not None:
        return FileRoute(path, borders=[allowed_file_roots, [Path(access.url_prefix)]])
    remote = remote_url(url) if path is None else None
    if remote is not None and access.kind is ConnectionKind.MACHINE:
        return MachineRoute(url, remote, allowed_hosts)
    if remote is None or remote.scheme != access.kind or not _is_at(remote, access.url_prefix):
        raise InvalidInput("repository_url", "The environment's connection does not cover this URL.")
    kind = HttpsRoute if access.kind is ConnectionKind.HTTPS else SshRoute
    return kind(remote, access, allowed_hosts)


def _is_at(remote: RemoteUrl, url_prefix: str) -> bool:
    """Return whether a prefix names the same host: the last check before a secret is sent there."""
    # A prefix may be a host alone.
    prefix = remote_url(f"{url_prefix.rstrip('/')}/any")
    return (prefix.scheme, prefix.host, prefix.port) == (remote.scheme, remote.host, remote.port)


class FileRoute:
    """The way to a repository on this machine, within every border."""

    def __init__(self, path: str, *, borders: Sequence[Sequence[Path]]) -> None:
        self._path = path
        self._borders = borders
        self.source = resolve_repository(path, borders=borders)

    @contextmanager
    def passage(self) -> Iterator[Passage]:
        """Check again where the repository's links and pointers lead."""
        try:
            source = resolve_repository(self._path, borders=self._borders)
        except InvalidInput as refusal:
            raise EnvironmentUnreachable(str(refusal)) from None
        yield Passage(source=source, environment=isolated_environment(os.environ, protocol="file"))


class MachineRoute:
    """The way as the worker's own git goes it, with its credential helpers, keys, proxy and configuration.

    The host is checked as far as this machine resolves it; a name that only a proxy or ssh's configuration
    knows passes. https is held to the checked addresses, unless a proxy connects; ssh's configuration may
    name another host, and decides.
    """

    def __init__(self, url: str, remote: RemoteUrl, allowed: AllowedHosts) -> None:
        self.source = url
        self._is_https = remote.scheme == "https"
        self._host = CheckedHost(remote.host, remote.port, allowed)

    @contextmanager
    def passage(self) -> Iterator[Passage]:
        """Check again where the host's name leads."""
        addresses = self._host.addresses(must_resolve=False)
        yield Passage(
            source=self.source,
            environment=machine_environment(os.environ),
            settings=pinned(self._host, addresses) if addresses and self._is_https else (),
        )
