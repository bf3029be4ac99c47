"""Paths that Git refuses: planned as refused, by name, and never written."""

from collections.abc import Mapping
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ObjectType

from models.restore import RestoreMode, RestorePlan
from services.database.session import Database
from tests.git_repository import GitRepository
from tests.repositories.hostile import write_tree_of
from tests.restores.fenced_restores import FencedRestore

BLOB = b'{"a": 1}'
# By path: the names of the entries that make it.
HOSTILE = {
    ".git/config": [".git", "config"],
    "../up.json": ["../up.json"],
    "a/.git /hooks": ["a", ".git ", "hooks"],
    "git~1": ["git~1"],
    ".g\u200cit": [".g\u200cit"],
    "..\\up.json": ["..\\up.json"],
}


def write(repository: GitRepository, content: bytes, *extra: tuple[str, bytes, pygit2.Oid]) -> pygit2.Oid:
    opened = pygit2.Repository(repository.path)
    return write_tree_of(opened, [*extra, ("100644", b"z.json", opened.create_blob(content))])


def nested(repository: GitRepository, names: list[str]) -> tuple[str, bytes, pygit2.Oid]:
    """Write folders below each other, with a file in the last, and return the line of the first."""
    opened = pygit2.Repository(repository.path)
    mode, oid = "100644", opened.create_blob(BLOB)
    for name in reversed(names[1:]):
        mode, oid = "40000", write_tree_of(opened, [(mode, name.encode(), oid)])
    return mode, names[0].encode(), oid


def commit(repository: GitRepository, tree: pygit2.Oid) -> None:
    parent = ["-p", "main"] if repository.has("refs/heads/main") else []
    written = repository.read("commit-tree", "-m", "x", *parent, str(tree))
    repository.read("update-ref", "refs/heads/main", written)


def planned(restore: FencedRestore) -> Mapping[str, str]:
    with restore.database.transaction() as session:
        plan = session.get_one(RestorePlan, restore.scope.restore_plan_id)
        return {change["path"]: change["change"] for change in plan.changes}


@pytest.mark.parametrize("mode", RestoreMode)
@pytest.mark.parametrize("path", HOSTILE)
def test_it_is_refused_by_name_and_never_written(
    database: Database, tmp_path: Path, path: str, mode: RestoreMode
) -> None:
    repository = GitRepository(tmp_path)
    commit(repository, write(repository, b"1", nested(repository, HOSTILE[path])))
    repository.tag("before")
    commit(repository, write(repository, b"2"))
    restore = FencedRestore.of(database, repository, tmp_path, mode=mode)
    assert planned(restore) == {path: "refused", "z.json": "update"}
    result = restore.run()
    assert result is not None
    assert result.outcome == "partially_succeeded"
    assert repository.read("ls-tree", "-r", "--name-only", "main") == "z.json"
    assert repository.read("show", "main:z.json") == "1"


def test_what_is_on_the_branch_already_is_refused_too(database: Database, tmp_path: Path) -> None:
    repository = GitRepository(tmp_path)
    commit(repository, write(repository, b"1"))
    repository.tag("before")
    commit(repository, write(repository, b"2", nested(repository, [".git", "config"])))
    restore = FencedRestore.of(database, repository, tmp_path)
    assert planned(restore) == {".git/config": "refused", "z.json": "update"}
    result = restore.run()
    assert result is not None
    assert result.outcome == "partially_succeeded"
    assert repository.read("ls-tree", "-r", "--name-only", "main").split() == [".git/config", "z.json"]
    assert repository.read("show", "main:z.json") == "1"


def test_an_exact_restore_writes_no_empty_folder_of_such_a_name(database: Database, tmp_path: Path) -> None:
    repository = GitRepository(tmp_path)
    empty = write_tree_of(pygit2.Repository(repository.path), [])
    commit(repository, write(repository, b"1", ("40000", b".git", empty)))
    repository.tag("before")
    commit(repository, write(repository, b"2"))
    restore = FencedRestore.of(database, repository, tmp_path)
    assert planned(restore) == {"z.json": "update"}
    result = restore.run()
    assert result is not None
    assert result.outcome == "succeeded"
    assert repository.read("ls-tree", "-r", "-t", "--name-only", "main") == "z.json"


def test_a_restore_works_on_a_branch_of_odd_commits(database: Database, tmp_path: Path) -> None:
    repository = GitRepository(tmp_path)
    commit(repository, write(repository, b"1"))
    repository.tag("before")
    opened = pygit2.Repository(repository.path)
    parent, tree = repository.read("rev-parse", "main"), write(repository, b"2")
    data = f"tree {tree}\nparent {parent}\nauthor \x01\ncommitter \n\n"
    odd = opened.odb.write(ObjectType.COMMIT, data.encode())
    opened.references.create("refs/heads/main", odd, force=True)
    restore = FencedRestore.of(database, repository, tmp_path, mode=RestoreMode.OVERLAY)
    # The same again behind the plan's head, so that the history is read and the restore built on it.
    data = data.replace(parent, str(odd)).replace("\x01", "\x02")
    opened.references.create(
        "refs/heads/main", opened.odb.write(ObjectType.COMMIT, data.encode()), force=True
    )
    result = restore.run()
    assert result is not None
    assert result.outcome == "succeeded"
    assert repository.read("show", "main:z.json") == "1"
