"""Trees that name themselves without end, in the head and in history: bounded, with a named reason."""

from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from models.errors import RepositoryTooLarge
from services.repositories import diff, tree_sizes
from services.repositories.diff import Change, diff_trees
from services.repositories.log import commits_of_changes
from services.repositories.mirror import Mirror
from services.repositories.objects import entries
from services.repositories.tree_objects import tree_lines
from services.repositories.tree_sizes import TreeSize, size_of_tree
from tests.repositories.hostile import commit_tree_of, deep_tree, run_bounded, tree_bomb, write_tree_of
from tests.repositories.remote import Remote

Plant = Callable[[pygit2.Repository], pygit2.Oid]

HOSTILE: dict[str, tuple[Plant, str]] = {
    "bomb": (tree_bomb, "entries"),
    "bomb of folders": (lambda repository: tree_bomb(repository, folders_only=True), "entries"),
    "deep": (lambda repository: deep_tree(repository, 3000), "levels"),
    "long": (lambda repository: deep_tree(repository, 900, times=200), "bytes of paths"),
}

# The errors are printed: a child without memory cannot say more.
COMPARE = """
from pathlib import Path
import pygit2
from models.errors import OperationRunError
from services.repositories.diff import diff_trees
try:
    print(len(diff_trees(pygit2.Repository({path!r}), {before!r}, {after!r})), "changes")
except OperationRunError as error:
    print(type(error).__name__, error)
"""
HISTORY = """
from pathlib import Path
from uuid import UUID
from services.repositories.diff import diff_trees
from services.repositories.log import commits_of_changes
from services.repositories.mirror import MirrorStore
from tests.mirrors import FILES
store = MirrorStore(Path({root!r}) / "mirrors", allowed_file_roots=[Path({root!r})])
mirror = store.open(UUID(int=1), {path!r}, FILES)
mirror.fetch()
changes = diff_trees(mirror, {before!r}, {after!r})
print(sorted((path, len(found)) for path, found in
    commits_of_changes(mirror, changes, before={before!r}, after={after!r}).items()))
"""


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_tree_is_refused_by_its_limit(remote: Remote, kind: str) -> None:
    plant, limit = HOSTILE[kind]
    before = remote.commit({"a.json": "{}"})
    after = commit_tree_of(remote, plant(pygit2.Repository(remote.path)))
    said = run_bounded(COMPARE.format(path=str(remote.path), before=before, after=after))
    assert said.startswith("RepositoryTooLarge"), said
    assert limit in said


def test_a_bomb_that_was_reverted_stops_no_later_comparison(remote: Remote) -> None:
    repository = pygit2.Repository(remote.path)
    one, two = (
        write_tree_of(repository, [("100644", b"a.json", repository.create_blob(content))])
        for content in (b"1", b"2")
    )
    before, *_, after = (commit_tree_of(remote, tree) for tree in (one, tree_bomb(repository), one, two))
    root = remote.path.parent
    said = run_bounded(HISTORY.format(root=str(root), path=str(remote.path), before=before, after=after))
    # The bomb took the file away, its revert brought it back, and then it was changed.
    assert said == "[('a.json', 3)]\n"


def test_a_bomb_beside_the_prefix_does_not_count(remote: Remote, mirror: Mirror) -> None:
    before = remote.commit({"in/a.json": "1"})
    repository = pygit2.Repository(remote.path)
    folder = repository[before].peel(pygit2.Tree)["in"].id
    bomb = tree_bomb(repository)
    after = commit_tree_of(
        remote, write_tree_of(repository, [("40000", b"bomb", bomb), ("40000", b"in", folder)])
    )
    mirror.fetch()
    assert diff_trees(mirror, before, after, "in") == []
    assert [entry.path for entry in entries(mirror.repository, after, "in")] == ["in/a.json"]
    with pytest.raises(RepositoryTooLarge):
        diff_trees(mirror, before, after, "bomb")


def test_each_distinct_tree_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = pygit2.init_repository(str(tmp_path), bare=True)
    bomb = str(tree_bomb(repository))
    read = list[str]()

    def counted(repository: pygit2.Repository, tree: str) -> list[tuple[bytes, bytes, bytes]]:
        read.append(tree)
        return tree_lines(repository, tree)

    monkeypatch.setattr(tree_sizes, "_known", {})
    monkeypatch.setattr(tree_sizes, "tree_lines", counted)
    assert size_of_tree(repository, bomb).entries == sum(10**level for level in range(1, 11))
    assert size_of_tree(repository, bomb).depth == len(read) == 10


def test_a_size_is_what_a_listing_shows(remote: Remote, mirror: Mirror) -> None:
    commit = remote.commit({"a": "1", "b/c": "2", "b/dd/e": "3"})
    mirror.fetch()
    tree = str(mirror.repository[commit].peel(pygit2.Tree).id)
    paths = ["a", "b", "b/c", "b/dd", "b/dd/e"]
    assert size_of_tree(mirror.repository, tree) == TreeSize(
        entries=len(paths), path_bytes=sum(map(len, paths)), depth=3, may_be_dangerous=False
    )


def test_large_files_are_paired_by_their_content_alone(
    remote: Remote, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "".join(f"line {number}\n" for number in range(100))
    before = remote.commit({"edited": text, "moved": text + "x"})
    after = remote.commit({"edited": None, "edited too": text + "y", "moved": None, "moved too": text + "x"})
    mirror.fetch()
    assert {change.change for change in diff_trees(mirror, before, after)} == {Change.RENAMED}
    monkeypatch.setattr(diff, "MAX_RENAME_BYTES", 100)
    assert [(change.change, change.path) for change in diff_trees(mirror, before, after)] == [
        (Change.REMOVED, "edited"),
        (Change.ADDED, "edited too"),
        (Change.RENAMED, "moved too"),
    ]


def test_a_tree_too_large_to_be_read_in_history_counts_as_empty(
    remote: Remote, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = remote.commit({"in/a": "1"})
    remote.commit({f"in/{number}": "x" for number in range(50)})
    remote.commit({f"in/{number}": None for number in range(50)})
    after = remote.commit({"in/a": "2"})
    mirror.fetch()
    changes = diff_trees(mirror, before, after)
    monkeypatch.setattr("services.repositories.tree_objects.MAX_TREE_BYTES", 500)
    assert len(commits_of_changes(mirror, changes, before=before, after=after)["in/a"]) == 3
