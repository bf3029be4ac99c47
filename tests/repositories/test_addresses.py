from ipaddress import ip_address

import pytest

from models.errors import EnvironmentUnreachable
from services.repositories.routing import addresses
from services.repositories.routing.addresses import AllowedHosts, CheckedHost, is_host_name, is_public

PRIVATE = [
    *("127.0.0.1", "127.9.9.9", "0.0.0.7", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *("100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_in_every_spelling_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not AllowedHosts().allow("git.example.org", ip_address(address))


@pytest.mark.parametrize(
    "address", ["140.82.121.4", "2606:50c0:8000::153", "::ffff:140.82.121.4", "64:ff9b::8c52:7904"]
)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("entry", "host", "address", "is_allowed"),
    [
        ("git.intern", "git.intern", "10.0.0.1", True),
        ("GIT.intern", "git.intern", "10.0.0.1", True),
        ("git.intern", "evil.git.intern", "10.0.0.1", False),
        ("10.0.0.1", "any", "10.0.0.1", True),
        ("10.0.0.1", "any", "10.0.0.2", False),
        ("10.0.0.0/8", "any", "10.9.9.9", True),
        ("10.0.0.0/8", "any", "::ffff:10.9.9.9", False),
        ("fd00::/8", "any", "fd12::1", True),
    ],
)
def test_an_entry_allows_a_name_an_address_or_a_network(
    entry: str,
    host: str,
    address: str,
    is_allowed: bool,  # noqa: FBT001 # a case
) -> None:
    assert AllowedHosts([entry]).allow(host, ip_address(address)) is is_allowed


@pytest.mark.parametrize(
    "host",
    ["2130706433", "127.1", "0x7f.1", "a.0x7f", "git.example.org.", "-x", "x-", "a..b", "é", "a%2eb", ""],
)
def test_what_programs_read_differently_is_no_host_name(host: str) -> None:
    assert not is_host_name(host)


def test_one_private_address_among_public_ones_refuses_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ("140.82.121.4", "10.0.0.1")
    monkeypatch.setattr(addresses, "resolve", lambda *_: tuple(map(ip_address, found)))
    with pytest.raises(EnvironmentUnreachable):
        CheckedHost("git.example.org", 443, AllowedHosts()).addresses()
    allowed = AllowedHosts(["10.0.0.0/8"])
    assert len(CheckedHost("git.example.org", 443, allowed).addresses()) == len(found)


def test_a_name_that_does_not_resolve_passes_where_something_else_may_know_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(addresses, "resolve", lambda *_: ())
    host = CheckedHost("behind-a-proxy", 443, AllowedHosts())
    assert host.addresses(must_resolve=False) == ()
    with pytest.raises(EnvironmentUnreachable):
        host.addresses()
