from collections.abc import Iterable, Mapping
from typing import Final

from models.connection import Connection, ConnectionKind
from models.errors import InvalidInput
from services.connections.repository_urls import Location, location_of

_SCHEMES: Final[Mapping[ConnectionKind, frozenset[str]]] = {
    ConnectionKind.HTTPS: frozenset({"https"}),
    ConnectionKind.SSH: frozenset({"ssh"}),
    ConnectionKind.FILE: frozenset({"file"}),
    ConnectionKind.MACHINE: frozenset({"https", "ssh"}),
}


def schemes_of(kind: ConnectionKind) -> frozenset[str]:
    """Return the schemes of the URLs that a kind of connection reaches."""
    return _SCHEMES[kind]


def covers(connection: Connection, url: str) -> bool:
    """Return whether a connection covers the repository at a URL; pure.

    A URL that cannot be read is covered by nothing.
    """
    try:
        location, prefix = location_of(url), location_of(connection.url_prefix)
    except InvalidInput:
        return False
    return _covers(connection, prefix, location)


def choose(connections: Iterable[Connection], url: str) -> Connection | None:
    """Return the connection with the longest prefix of those that cover a URL; None: none does.

    Of equal prefixes one that names the user wins, then a workspace's own credentials, then the older one.
    """
    covering = [connection for connection in connections if covers(connection, url)]
    return min(covering, key=_precedence, default=None)


def _precedence(connection: Connection) -> tuple[int, bool, bool, str]:
    prefix = location_of(connection.url_prefix)
    is_machine = connection.kind == ConnectionKind.MACHINE
    return -len(prefix.path), prefix.user is None, is_machine, str(connection.id)


def _covers(connection: Connection, prefix: Location, location: Location) -> bool:
    return (
        location.scheme in _SCHEMES[ConnectionKind(connection.kind)]
        and location.is_under(prefix)
        and prefix.user in {None, location.user}
        # The user of an https URL was left out; of an ssh URL it says whose account is reached.
        and (not connection.username or location.user in {None, connection.username})
    )
