"""Every workspace, by every kind of connection and every way to name it: another's repository stays shut."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from urllib.parse import quote, urlsplit

import pytest

from services.repositories.mirror import MirrorStore
from services.repositories.routing.remote_access import ConnectionKind, RemoteAccess
from tests.remotes.connections import HOST
from tests.remotes.tenants import SERVED_KINDS, Tenant, fetched

pytestmark = pytest.mark.feature

Way = Callable[[str, str], str]


def path_of(url: str) -> str:
    return urlsplit(url).path


def at_host_of(url: str, path: str) -> str:
    """Return a URL of the same host, or of this machine, with another path."""
    return url.removesuffix(path_of(url)) + path


def through(own: str, other: str) -> str:
    """Return a path that begins with one's own folder and leads to another's."""
    folder, _, _ = path_of(own).rpartition("/")
    return f"{folder}{'/..' * (folder.count('/'))}{path_of(other)}"


# A way to name the repository at the second URL, for a workspace whose own is at the first.
WAYS: Mapping[str, Way] = {
    "as it is": lambda _, other: other,
    "without .git": lambda _, other: other.removesuffix(".git"),
    "with slashes": lambda _, other: at_host_of(other, path_of(other).replace("/", "//", 1) + "/"),
    "through one's own folder": lambda own, other: at_host_of(other, through(own, other)),
    "through it, encoded": lambda own, other: at_host_of(other, through(own, other).replace("..", "%2e%2e")),
    "encoded": lambda _, other: at_host_of(other, path_of(other).replace("t", "%74")),
    "as a file URL": lambda _, other: f"file://{path_of(other)}",
    "as a file URL, encoded": lambda own, other: f"file://{quote(through(own, other), safe='')}",
    "by ssh's short form": lambda _, other: f"git@{HOST}:{path_of(other)}",
    "with the other's name": lambda _, other: other.replace(f"//{HOST}", f"//bob@{HOST}"),
    "by the machine's name": lambda _, other: other.replace(HOST, "localhost"),
    "by a number": lambda _, other: other.replace(HOST, "2130706433"),
    "by an address in IPv6": lambda _, other: other.replace(HOST, "[::ffff:127.0.0.1]"),
    "by another scheme": lambda _, other: other.replace("https:", "http:").replace("ssh:", "git:"),
    "by a helper": lambda _, other: f"ext::git-upload-pack {path_of(other)}",
    "in capitals": lambda _, other: other.replace("https:", "HTTPS:").replace("ssh:", "SSH:"),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_and_no_connection_opens_anothers_repository(
    tenants: Sequence[Tenant], store: MirrorStore, way: str
) -> None:
    tried = 0
    for attacker, victim in permutations(tenants, 2):
        for kind in SERVED_KINDS:
            url = WAYS[way](attacker.urls[kind], victim.urls[kind])
            for access in accesses_of(attacker, victim):
                assert not fetched(store, url, access) & victim.commits(), (kind, access.kind, url)
                tried += 1
    assert tried == 2 * len(SERVED_KINDS) * 6


def test_the_same_connections_open_what_is_ones_own(tenants: Sequence[Tenant], store: MirrorStore) -> None:
    for tenant in tenants:
        opened = [fetched(store, tenant.urls[kind], tenant.accesses[kind]) for kind in SERVED_KINDS]
        assert frozenset().union(*opened) == tenant.commits()


def accesses_of(attacker: Tenant, victim: Tenant) -> Iterator[RemoteAccess]:
    """Return an attacker's accesses, and what a mistake in matching URLs would make of them."""
    yield from attacker.accesses.values()
    for kind in (ConnectionKind.HTTPS, ConnectionKind.SSH):
        yield replace(attacker.accesses[kind], url_prefix=victim.accesses[kind].url_prefix)
    # The machine of this test has no credential for anything.
    yield RemoteAccess(
        kind=ConnectionKind.MACHINE, url_prefix=victim.accesses[ConnectionKind.HTTPS].url_prefix
    )
