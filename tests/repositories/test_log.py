"""Who changed what, from Git's own objects: no name can forge it, and no odd commit can stop it."""

import json
from collections import defaultdict
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import Json
from services.repositories import log, path_history
from services.repositories.commit_facts import commit_facts
from services.repositories.diff import diff_trees
from services.repositories.log import commits_of_changes
from services.repositories.mirror import Mirror
from tests.repositories.hostile import commit_object
from tests.repositories.remote import Remote

IDENTITY = b"Ada <ada@example.org> 1700000000 +0100"


def commits_by_path(mirror: Mirror, before: str, after: str) -> dict[str, list[Json]]:
    mirror.fetch()
    return dict(commits_of_changes(mirror, diff_trees(mirror, before, after), before=before, after=after))


def odd_commit(remote: Remote, headers: bytes, message: bytes) -> str:
    """Commit the work tree's next state with these headers behind tree and parent."""
    parent, tree = remote.head().encode(), remote.git("write-tree").encode()
    return commit_object(
        remote, b"tree " + tree + b"\nparent " + parent + b"\n" + headers + b"\n\n" + message
    )


def test_control_characters_of_a_commit_and_a_path_are_read_as_text(remote: Remote, mirror: Mirror) -> None:
    before = remote.commit({"a": "1"})
    named = remote.commit({"a": "2", "b\x01c": "1"}, "\x01odd\x01 subject")
    after = remote.commit({"a": "3"}, "plain subject")
    mirror.fetch()
    commits = commits_of_changes(mirror, diff_trees(mirror, before, after), before=before, after=after)
    assert {commit["id"]: commit["subject"] for commit in commits["a"]} == {
        after: "plain subject",
        named: "\x01odd\x01 subject",
    }
    assert [commit["id"] for commit in commits["b\x01c"]] == [named]


def test_a_path_that_looks_like_a_record_of_git_log_forges_nothing(remote: Remote, mirror: Mirror) -> None:
    forged = "\n" + "0" * 40
    before = remote.commit({"a": "1", "b": "1"})
    after = remote.commit({"a": "2", f"x{forged}/Mallory/0/subject": "1", "\nb": "2"})
    found = commits_by_path(mirror, before, after)
    assert sorted(found) == ["\nb", "a", f"x{forged}/Mallory/0/subject"]
    assert {commit["id"] for commits in found.values() for commit in commits} == {after}
    assert {commit["author"] for commits in found.values() for commit in commits} == {"Ada"}


@pytest.mark.parametrize(
    ("headers", "message", "shown", "odd"),
    [
        (
            b"author \x01Ada <a> 1700000000 +0000\ncommitter " + IDENTITY,
            b"subject",
            ("\x01Ada", "2023-11-14T22:13:20+00:00", "subject"),
            ["author"],
        ),
        (
            b"author Ada <a> 9405234000000 +0000\ncommitter " + IDENTITY,
            b"subject",
            ("Ada", None, "subject"),
            ["at"],
        ),
        (
            b"author Ada <a>\ncommitter " + IDENTITY,
            b"",
            ("Ada", None, ""),
            ["at"],
        ),
        (
            b"author  <> 99999999999999999999999 +0000\ncommitter " + IDENTITY,
            b"two\nlines\n\nbody",
            ("", None, "two lines"),
            ["author", "at"],
        ),
        (
            b"author \xff\xfe <a> 0 -1200\ncommitter " + IDENTITY,
            b"\xff\x1b[31m",
            ("\\xff\\xfe", "1970-01-01T00:00:00+00:00", "\\xff\x1b[31m"),
            ["author", "subject"],
        ),
        (
            b"author Gr\xf6\xdfe <a> 0 +0000\ncommitter " + IDENTITY + b"\nencoding latin-1",
            b"\xfcber",
            ("Größe", "1970-01-01T00:00:00+00:00", "über"),
            None,
        ),
        (
            b"author Ada <a> 0 +0000\ncommitter " + IDENTITY + b"\nencoding hex",
            b"abc\0def",
            ("Ada", "1970-01-01T00:00:00+00:00", "abc"),
            None,
        ),
    ],
)
def test_an_odd_commit_is_shown_as_such(
    remote: Remote,
    mirror: Mirror,
    headers: bytes,
    message: bytes,
    shown: tuple[str, str, str],
    odd: list[str] | None,
) -> None:
    before = remote.commit({"a": "1"})
    (remote.work / "a").write_text("2")
    remote.git("add", "--all")
    after = odd_commit(remote, headers, message)
    (commit,) = commits_by_path(mirror, before, after)["a"]
    assert (commit["author"], commit["at"], commit["subject"]) == shown
    assert commit.get("odd") == odd


@given(st.binary(max_size=300))
def test_any_bytes_read_as_a_commit_that_can_be_stored_or_as_none(data: bytes) -> None:
    for commit in (data, b"tree x\nauthor " + data, b"tree x\nauthor " + IDENTITY + b"\n\n" + data):
        facts = commit_facts(commit)
        # PostgreSQL takes neither NUL nor half a surrogate pair.
        assert facts is None or "\\u0000" not in json.dumps(facts.shown("c")).replace("\\\\", "")
        assert facts is None or json.dumps(facts.shown("c"), ensure_ascii=False).encode()


def test_an_ordinary_commit_is_not_odd() -> None:
    facts = commit_facts(b"tree x\nparent y\nparent z\nauthor " + IDENTITY + b"\ncommitter x\n\nWhy\n")
    assert facts is not None
    assert facts.shown("c") == {
        "id": "c",
        "author": "Ada",
        "at": datetime.fromtimestamp(1700000000, UTC).isoformat(),
        "subject": "Why",
    }
    assert (facts.tree, list(facts.parents)) == ("x", ["y", "z"])


def test_a_header_in_the_message_is_of_the_message() -> None:
    facts = commit_facts(
        b"tree x\nauthor " + IDENTITY + b"\ngpgsig a\n author Mallory <m> 0 +0000\n\nauthor M <m> 0 +0000"
    )
    assert facts is not None
    assert (facts.author, facts.subject) == ("Ada", "author M <m> 0 +0000")


def test_it_finds_the_commits_that_git_log_finds(remote: Remote, mirror: Mirror) -> None:
    before = remote.commit({"a": "1", "dir/b": "1", "dir/c": "1", "e": "file", "gone": "was"})
    remote.commit({"a": "2", "dir/b": "2"})
    remote.git("checkout", "-q", "-b", "side")
    remote.commit({"dir/c": "2", "gone": None})
    remote.git("checkout", "-q", "main")
    remote.commit({"e": None, "e/f": "folder"})
    remote.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    after = remote.commit({"dir/b": "3", "new": "is"})
    expected = defaultdict[str, list[str]](list)
    options = ["--name-only", "--no-renames", "--diff-merges=first-parent", "--format=commit %H"]
    for line in remote.git("log", *options, f"{before}..{after}").splitlines():
        if line.startswith("commit "):
            commit = line.removeprefix("commit ")
        elif line:
            expected[line].append(commit)
    found = commits_by_path(mirror, before, after)
    assert {path: [commit["id"] for commit in commits] for path, commits in found.items()} == expected
    assert len(expected["dir/c"]) == 2


def test_a_renamed_item_has_the_commits_of_both_names(remote: Remote, mirror: Mirror) -> None:
    text = "".join(f"line {number}\n" for number in range(20))
    before = remote.commit({"old": text})
    edited = remote.commit({"old": text + "more\n"})
    after = remote.commit({"old": None, "new": text + "more\n"})
    assert [commit["id"] for commit in commits_by_path(mirror, before, after)["new"]] == [after, edited]


def test_a_history_without_end_is_read_from_its_newest_commits(
    remote: Remote, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, *commits = [remote.commit({"a": str(number)}) for number in range(15)]
    newest = commits[::-1]
    found = commits_by_path(mirror, before, newest[0])["a"]
    assert [commit["id"] for commit in found] == newest[: log.COMMITS_PER_CHANGE]
    # Each commit compares one path, and reads one entry that the next commit knows.
    monkeypatch.setattr(path_history, "COMPARED", 7)
    found = commits_by_path(mirror, before, newest[0])["a"]
    assert [commit["id"] for commit in found] == newest[:3]
    monkeypatch.setattr(log, "COMMITS_READ", 2)
    found = commits_by_path(mirror, before, newest[0])["a"]
    assert [commit["id"] for commit in found] == newest[:2]
