import re
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from models.errors import EnvironmentUnreachable

Address = IPv4Address | IPv6Address

# Behind each of these an IPv4 address stands in the last 32 bits (RFC 6052, RFC 8215, RFC 4291).
_EMBEDDING: Final = tuple(map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
# Resolvers read such a name as an IPv4 address in a spelling of their own: 2130706433, 127.1, 0x7f.1.
_NUMBER = re.compile(r"(\d+|0x[0-9a-f]*)")


class AllowedHosts:
    """The hosts that connections may reach on private networks (OPERATIONRUN_ALLOWED_PRIVATE_HOSTS).

    An entry is a host's name, an address, or a network in CIDR notation. Raises ValueError for any other.
    """

    def __init__(self, entries: Sequence[str] = ()) -> None:
        lowered = [entry.strip().lower() for entry in entries]
        self._names = frozenset(filter(is_host_name, lowered))
        self._networks = tuple(map(_network, (entry for entry in lowered if entry not in self._names)))

    def allow(self, host: str, address: Address) -> bool:
        """Return whether a host may be reached at an address: a public one, or one of the entries."""
        return (
            is_public(address) or host in self._names or any(address in network for network in self._networks)
        )


def _network(entry: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(entry)
    except ValueError:
        raise ValueError(
            f"{entry} is not a host name, an address or a network such as 10.20.0.0/16"
        ) from None


def is_host_name(host: str) -> bool:
    """Return whether git, curl, ssh and the resolver all read a host as one and the same name."""
    return bool(_HOST.fullmatch(host)) and not _NUMBER.fullmatch(host.rpartition(".")[2])


def is_public(address: Address) -> bool:
    """Return whether an address lies on the public internet, and so does one that is written inside it."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    inner = _embedded(address)
    return is_public(inner) if inner else address in _GLOBAL_UNICAST and address.is_global


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if any(address in network for network in _EMBEDDING):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]


def resolve(host: str, port: int) -> Sequence[Address]:
    """Return the addresses of a host, in the system's order; none where its name does not resolve."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(ip_address(str(address[0])) for *_, address in answers))


class CheckedHost:
    """A host of a URL, which is resolved again for each call, and reached at the addresses checked then."""

    def __init__(self, host: str, port: int, allowed: AllowedHosts) -> None:
        self.host = host
        self.port = port
        self._allowed = allowed

    @property
    def is_address(self) -> bool:
        """Whether the host is written as an IP address."""
        return not is_host_name(self.host)

    def addresses(self, *, must_resolve: bool = True) -> Sequence[Address]:
        """Resolve the host and return its addresses, all of them allowed.

        One answer for a name that does not resolve and one that leads to a private network, so that it says
        nothing of that network. Without `must_resolve`, a name that does not resolve has no addresses.
        Raises EnvironmentUnreachable.
        """
        found = resolve(self.host, self.port)
        if not all(self._allowed.allow(self.host, address) for address in found):
            raise self._refusal()
        if must_resolve and not found:
            raise self._refusal()
        return found

    def _refusal(self) -> EnvironmentUnreachable:
        return EnvironmentUnreachable(
            f"The host {self.host} has no address that may be reached. Correct the repository's URL, or add "
            "the host to OPERATIONRUN_ALLOWED_PRIVATE_HOSTS if it is on a private network."
        )
