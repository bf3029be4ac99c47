from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from models.errors import InvalidInput
from services.repositories.commits import commit_tree, write_tree
from services.repositories.diff import EMPTY_TREE
from services.repositories.mirror import Mirror
from services.repositories.objects import entries, subtree_of, tree_of
from tests.git_repository import git, git_bytes
from tests.repositories.remote import Remote

AT = datetime(2025, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
KEY = "Operation-Run"
RUN = "0190f7a2-7c3e-7aaa-8000-0123456789ab"
FILES = {"a": "1", "b/c": "2", "b/d": "3", "deep/er/still/e": "4", "b.x": "5", "b0": "6"}


@pytest.fixture
def base(remote: Remote, mirror: Mirror) -> str:
    commit = remote.commit(FILES)
    mirror.fetch()
    return tree_of(mirror.repository, commit)


def blob(mirror: Mirror, content: bytes = b"new") -> tuple[str, int]:
    return str(mirror.repository.create_blob(content)), 0o100644


def paths(mirror: Mirror, tree: str) -> list[str]:
    return [entry.path for entry in entries(mirror.repository, tree)]


def by_index(mirror: Mirror, tmp_path: Path, tree: str) -> str:
    """Return the tree that git itself writes for the entries of ours."""
    lines = "".join(f"{e.mode:o} {e.oid}\t{e.path}\0" for e in entries(mirror.repository, tree))
    git("init", "--quiet", "--bare", str(tmp_path / "index.git"))
    (tmp_path / "index.git" / "objects" / "info" / "alternates").write_text(f"{mirror.path}/objects\n")
    data = lines.encode("utf-8", "surrogateescape")
    git_bytes("update-index", "-z", "--index-info", cwd=tmp_path / "index.git", stdin=data)
    return git("write-tree", "--missing-ok", cwd=tmp_path / "index.git")


def test_it_writes_the_tree_that_git_writes(mirror: Mirror, base: str, tmp_path: Path) -> None:
    new = blob(mirror)
    written = {
        "a": new,
        "b/new": new,
        "b-": new,
        "x/y/z": new,
        "ünï/\udcff [x]\n": new,
        "link": (new[0], 0o120000),
    }
    tree = write_tree(mirror.repository, base, writes=written, deletes=["b/c", "deep/er/still/e"])
    assert paths(mirror, tree) == sorted(
        ["a", "b-", "b.x", "b/d", "b/new", "b0", "link", "x/y/z", "ünï/\udcff [x]\n"],
        key=lambda path: path.encode("utf-8", "surrogateescape"),
    )
    assert tree == by_index(mirror, tmp_path, tree)
    git("fsck", "--strict", tree, cwd=mirror.path)


def test_folders_left_empty_vanish(mirror: Mirror, base: str) -> None:
    tree = write_tree(mirror.repository, base, writes={}, deletes=["deep/er/still/e", "b/c", "b/d"])
    assert paths(mirror, tree) == ["a", "b.x", "b0"]
    assert subtree_of(mirror.repository, tree, "deep") is None
    assert subtree_of(mirror.repository, tree, "b") is None


def test_the_empty_tree_comes_out_of_deleting_all_and_back(mirror: Mirror, base: str) -> None:
    assert write_tree(mirror.repository, base, writes={}, deletes=list(FILES)) == EMPTY_TREE
    originals = {entry.path: (entry.oid, entry.mode) for entry in entries(mirror.repository, base)}
    assert write_tree(mirror.repository, EMPTY_TREE, writes=originals, deletes=[]) == base


def test_nothing_to_do_gives_the_same_tree(mirror: Mirror, base: str) -> None:
    assert write_tree(mirror.repository, base, writes={}, deletes=[]) == base
    for missing in ("nothing", "nothing/at/all", "a/below/a/file", "b"):
        assert write_tree(mirror.repository, base, writes={}, deletes=[missing]) == base


@pytest.mark.parametrize(
    ("written", "deleted", "left"),
    [
        ("b", ["b/c", "b/d"], ["a", "b", "b.x", "b0", "deep/er/still/e"]),
        ("b", [], ["a", "b", "b.x", "b0", "deep/er/still/e"]),
        ("a/x", ["a"], ["a/x", "b.x", "b/c", "b/d", "b0", "deep/er/still/e"]),
        ("a/x", [], ["a/x", "b.x", "b/c", "b/d", "b0", "deep/er/still/e"]),
        ("deep/er", ["deep/er/still/e"], ["a", "b.x", "b/c", "b/d", "b0", "deep/er"]),
    ],
)
def test_a_file_and_a_folder_of_one_name_replace_each_other(
    mirror: Mirror, base: str, written: str, deleted: list[str], left: list[str]
) -> None:
    tree = write_tree(mirror.repository, base, writes={written: blob(mirror)}, deletes=deleted)
    assert paths(mirror, tree) == left


def test_a_file_deleted_and_written_is_written(mirror: Mirror, base: str) -> None:
    tree = write_tree(mirror.repository, base, writes={"a": blob(mirror)}, deletes=["a"])
    assert paths(mirror, tree) == paths(mirror, base)
    assert tree != base


@pytest.mark.parametrize(
    "path", ["", "/a", "a/", "a//b", "../a", "a/./b", ".git/config", "a/.GIT/hooks/x", "a\0b"]
)
def test_it_refuses_paths_git_does_not_allow(mirror: Mirror, base: str, path: str) -> None:
    with pytest.raises(InvalidInput):
        write_tree(mirror.repository, base, writes={path: blob(mirror)}, deletes=[])
    with pytest.raises(InvalidInput):
        write_tree(mirror.repository, base, writes={}, deletes=[path])


def test_it_refuses_a_file_below_a_file(mirror: Mirror, base: str) -> None:
    writes = {"n/x/y": blob(mirror), "n": blob(mirror)}
    with pytest.raises(InvalidInput):
        write_tree(mirror.repository, base, writes=writes, deletes=[])


def make(mirror: Mirror, remote: Remote, tree: str, at: datetime = AT, **changed: str) -> str:
    given = {
        "parent": remote.head(),
        "message": "Restore 2 items\n\nTo: Friday",
        "author_name": "Åda",
        **changed,
    }
    return commit_tree(
        mirror.repository, tree=tree, at=at, author_email="ada@example.org", trailers={KEY: RUN}, **given
    )


def test_the_same_input_gives_the_same_commit(
    mirror: Mirror, remote: Remote, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = make(mirror, remote, base)
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2001-01-01T00:00:00Z")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert make(mirror, remote, base) == commit
    assert make(mirror, remote, base, at=AT.astimezone(timezone(timedelta(hours=9)))) == commit
    assert make(mirror, remote, base, at=AT + timedelta(seconds=1)) != commit


def test_a_commit_reads_as_it_was_given(mirror: Mirror, remote: Remote, base: str) -> None:
    commit = make(mirror, remote, base)
    shown = git("show", "-s", "--format=%T%n%P%n%an <%ae>%n%cn <%ce>%n%aI%n%cI%n%B", commit, cwd=mirror.path)
    assert shown.split("\n") == [
        base,
        remote.head(),
        "Åda <ada@example.org>",
        "Åda <ada@example.org>",
        "2025-03-01T12:30:15+00:00",
        "2025-03-01T12:30:15+00:00",
        "Restore 2 items",
        "",
        "To: Friday",
        "",
        f"{KEY}: {RUN}",
    ]
    parsed = git_bytes("interpret-trailers", "--parse", stdin=shown.encode())
    assert parsed.decode() == f"{KEY}: {RUN}\n"
    git("fsck", "--strict", commit, cwd=mirror.path)


def test_it_refuses_what_would_not_read_back_as_a_trailer(mirror: Mirror, remote: Remote, base: str) -> None:
    for trailers in ({"No spaces": "x"}, {KEY: "two\nlines"}, {KEY: ""}, {KEY: " x"}):
        with pytest.raises(ValueError, match="trailer"):
            commit_tree(
                mirror.repository, tree=base, parent=remote.head(), message="m", trailers=trailers,
                author_name="a", author_email="b", at=AT,
            )  # fmt: skip
    with pytest.raises(ValueError, match="aware"):
        make(mirror, remote, base, at=AT.replace(tzinfo=None))
    with pytest.raises(ValueError, match="message"):
        make(mirror, remote, base, message=" ")
