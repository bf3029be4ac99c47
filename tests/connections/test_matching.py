"""Which connection covers which URL: pure, however the URL is written (law L12)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from models.connection import Connection, ConnectionKind
from models.errors import InvalidInput
from services.connections.matching import choose, covers
from services.connections.repository_urls import Location, location_of, refuse_user

HTTPS, SSH, FILE, MACHINE = ConnectionKind

NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,6}", fullmatch=True)
PATHS = st.lists(NAMES, min_size=1, max_size=4)


def connection(kind: ConnectionKind, url_prefix: str, **values: Any) -> Connection:
    return Connection(id=uuid7(), kind=kind, url_prefix=url_prefix, **{"username": None, **values})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HTTPS://Git.Example.ORG/team/repo", "https://git.example.org/team/repo"),
        ("https://git.example.org:443/team/repo", "https://git.example.org/team/repo"),
        ("https://git.example.org./team/repo/", "https://git.example.org/team/repo"),
        ("https://git.example.org/te%61m/r%65po", "https://git.example.org/team/repo"),
        ("https://git.example.org/other/../team/./repo", "https://git.example.org/team/repo"),
        ("https://git.example.org//team//repo", "https://git.example.org/team/repo"),
        ("https://[2001:DB8:0::1]/x", "https://[2001:db8::1]/x"),
        ("https://someone@git.example.org/team/repo", "https://git.example.org/team/repo"),
        ("ssh://git@git.example.org:22/team/repo", "git@git.example.org:team/repo"),
        ("git@git.example.org:/team/repo", "git@git.example.org:team/repo"),
        ("file:///srv/git/t%65am", "/srv/git/team"),
        ("/srv/git//team/", "/srv/git/team"),
        ("/srv/other/../git/team", "/srv/git/team"),
    ],
)
def test_a_url_has_one_form_however_it_is_written(one: str, other: str) -> None:
    assert location_of(one) == location_of(other)


@pytest.mark.parametrize(
    ("kind", "prefix", "url"),
    [
        (HTTPS, "https://h.org/team", "https://h.org/team/repo.git"),
        (HTTPS, "https://h.org/team/", "https://h.org/team"),
        (HTTPS, "https://h.org/team", "https://h.org/team.git"),
        (HTTPS, "https://h.org", "https://h.org/any/where"),
        (HTTPS, "https://h.org/team/repo.git", "https://h.org/team/repo"),
        (SSH, "ssh://h.org/team", "someone@h.org:team/repo"),
        (SSH, "git@h.org:team", "ssh://git@h.org/team/repo"),
        (FILE, "/srv/git", "file:///srv/git/repo.git"),
        (MACHINE, "https://h.org/team", "https://h.org/team/repo"),
        (MACHINE, "git@h.org:team/repo.git", "git@h.org:team/repo.git"),
    ],
)
def test_a_connection_covers_what_lies_under_its_prefix(kind: ConnectionKind, prefix: str, url: str) -> None:
    assert covers(connection(kind, prefix), url)


@pytest.mark.parametrize(
    ("kind", "prefix", "url"),
    [
        (HTTPS, "https://h.org/team", "https://h.org/team-evil/repo"),
        (HTTPS, "https://h.org/team", "https://h.org/team.gitx"),
        (HTTPS, "https://h.org/team", "https://h.org/Team/repo"),
        (HTTPS, "https://h.org/team", "https://h.org/team/../other/repo"),
        (HTTPS, "https://h.org/team", "https://h.org/team/%2e%2e/other/repo"),
        (HTTPS, "https://h.org/team", "https://h.org/team%2F..%2Fother"),
        (HTTPS, "https://h.org/team", "https://h.org/team/%252e%252e/other"),
        (HTTPS, "https://h.org/other", "https://h.org/team//../other/repo"),
        (HTTPS, "https://h.org/team", "https://h.org:8443/team/repo"),
        (HTTPS, "https://h.org/team", "https://h.org.evil.org/team/repo"),
        (HTTPS, "https://h.org/team", "https://h.org@evil.org/team/repo"),
        (HTTPS, "https://h.org/team", "https://h.org\\@evil.org/team/repo"),
        (HTTPS, "https://h.org/team", "ssh://h.org/team/repo"),
        (HTTPS, "https://h.org/team/repo.git", "https://h.org/team/repo/inner"),
        (SSH, "git@h.org:team", "root@h.org:team/repo"),
        (SSH, "git@h.org:team", "ssh://h.org/team/repo"),
        (SSH, "ssh://git@h.org/team", "git@h.org:team/../../other"),
        (FILE, "/srv/git", "/srv/git-evil/repo"),
        (FILE, "/srv/git/team", "/srv/git/team/../other"),
        (FILE, "/srv/git", "https://h.org/srv/git/repo"),
        (MACHINE, "https://h.org/team", "https://h.org/other/repo"),
        (MACHINE, "ssh://h.org/", "/srv/git/repo"),
    ],
)  # fmt: skip
def test_a_connection_covers_nothing_else(kind: ConnectionKind, prefix: str, url: str) -> None:
    assert not covers(connection(kind, prefix), url)


def test_an_ssh_connection_is_for_its_own_user() -> None:
    git = connection(SSH, "ssh://h.org/team", username="git")
    assert covers(git, "git@h.org:team/repo")
    assert covers(git, "ssh://h.org/team/repo")
    assert not covers(git, "root@h.org:team/repo")


def test_the_longest_prefix_wins() -> None:
    wide, narrow = connection(HTTPS, "https://h.org"), connection(HTTPS, "https://h.org/team")
    other = connection(HTTPS, "https://h.org/team-evil")
    for order in ([wide, narrow, other], [other, narrow, wide]):
        assert choose(order, "https://h.org/team/repo") is narrow
    assert choose([narrow, other], "https://h.org/repo") is None


def test_of_equal_prefixes_the_workspace_s_own_credentials_win() -> None:
    machine, own = connection(MACHINE, "https://h.org/team"), connection(HTTPS, "https://h.org/team")
    for order in ([machine, own], [own, machine]):
        assert choose(order, "https://h.org/team/repo") is own


@pytest.mark.parametrize(
    "url",
    [
        "", "team/repo", "ext::sh -c true", "git://h.org/x", "http://h.org/x", "https:///x", "https://h.org/a?b",
        "https://h.org/a#b", "https://h.org/a b", "https://h.org:port/x", "https://h%2eorg/x", "https://-h.org/x",
        "https://a@b@h.org/x", "https://h.org/a\n", "https://h.org/..", "https://h.org/a/../../b", "file://h/x",
        "https://h.org/%5c", "https://h.org/%0a", "https://höst.org/x", "git@-h.org:x", "https://h.org/a//../b",
    ],
)  # fmt: skip
def test_what_programs_could_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        location_of(url, field="url_prefix")
    assert refused.value.field == "url_prefix"


@pytest.mark.parametrize("url", ["https://token@h.org/x", "https://a:b@h.org/x", "ssh://git:secret@h.org/x"])
def test_credentials_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidInput, match="connection of the workspace") as refused:
        refuse_user(url)
    assert "token@" not in str(refused.value)
    assert "secret@" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://h.org/x", "ssh://git@h.org/x", "git@h.org:x", "/srv/a@b", "https://h.org/a@b"]
)
def test_a_url_without_credentials_is_taken(url: str) -> None:
    refuse_user(url)


@given(PATHS, PATHS)
def test_cover_follows_whole_path_segments(prefix: list[str], path: list[str]) -> None:
    covered = covers(
        connection(HTTPS, f"https://h.org/{'/'.join(prefix)}"), f"https://h.org/{'/'.join(path)}"
    )
    assert covered == (path[: len(prefix)] == prefix)


@given(PATHS, st.lists(st.sampled_from([".", "x/..", "y/z/../.."]), max_size=3), st.booleans())
def test_the_way_there_changes_nothing(path: list[str], detours: list[str], suffixed: bool) -> None:  # noqa: FBT001
    written = "/".join([*detours, *path]) + (".git" if suffixed else "")
    assert location_of(f"https://h.org/{written}").path == tuple(path)


@given(st.text(max_size=60))
def test_any_text_has_a_location_or_is_refused_and_its_form_is_stable(text: str) -> None:
    for url in (text, f"https://{text}", f"ssh://{text}", f"git@h.org:{text}", f"/{text}"):
        try:
            location = location_of(url)
        except InvalidInput:
            continue
        assert ".." not in location.segments
        assert location_of(location.text) == location


@given(st.sampled_from(["https", "ssh"]), PATHS)
def test_the_one_form_says_the_same(scheme: str, path: list[str]) -> None:
    location = Location(scheme=scheme, host="h.org:8443", segments=tuple(path))
    assert location_of(location.text) == location
