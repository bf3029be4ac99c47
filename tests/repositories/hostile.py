"""Repositories made to harm, and a child process whose memory ends before the machine's does."""

import resource
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import ObjectType

from tests.repositories.remote import Remote

# Of each process: a comparison without bounds ends here.
_MEMORY: Final = 1 << 30
_TIME: Final = timedelta(minutes=2)
_AT: Final = 1_700_000_000

Lines = Sequence[tuple[str, bytes, pygit2.Oid]]


def write_tree_of(repository: pygit2.Repository, lines: Lines) -> pygit2.Oid:
    """Write a tree of lines (octal mode, name, object), whatever Git thinks of them."""
    return repository.odb.write(
        ObjectType.TREE, b"".join(b"%s %s\0%s" % (mode.encode(), name, oid.raw) for mode, name, oid in lines)
    )


def tree_bomb(repository: pygit2.Repository, *, levels: int = 10, folders_only: bool = False) -> pygit2.Oid:
    """Write a tree of ten entries a level, all of them the next level: a few kilobytes in all."""
    blob = repository.create_blob(b"{}")
    tree = write_tree_of(repository, [] if folders_only else _ten("100644", blob))
    for _ in range(levels - 1):
        tree = write_tree_of(repository, _ten("40000", tree))
    return tree


def deep_tree(repository: pygit2.Repository, levels: int, *, times: int = 1) -> pygit2.Oid:
    """Write a file below so many folders, and so many of these chains side by side."""
    blob = repository.create_blob(b"{}")
    chains = []
    for number in range(times):
        tree = write_tree_of(repository, [("100644", b"%d.json" % number, blob)])
        for _ in range(levels):
            tree = write_tree_of(repository, [("40000", b"d", tree)])
        chains.append(("40000", b"%06d" % number, tree))
    return write_tree_of(repository, chains)


def commit_tree_of(remote: Remote, tree: pygit2.Oid, *, message: str = "change") -> str:
    """Commit a tree to main, as it is."""
    repository = pygit2.Repository(remote.path)
    parents = [remote.head()] if list(repository.branches) else []
    signature = pygit2.Signature("Author", "author@example.org", _AT, 0)
    oids: list[str | pygit2.Oid] = list(parents)
    return str(repository.create_commit("refs/heads/main", signature, signature, message, tree, oids))


def commit_object(remote: Remote, data: bytes) -> str:
    """Write a commit object, whatever Git thinks of it, and move main to it."""
    repository = pygit2.Repository(remote.path)
    commit = repository.odb.write(ObjectType.COMMIT, data)
    repository.references.create("refs/heads/main", commit, force=True)
    return str(commit)


def run_bounded(script: str) -> str:
    """Run Python in a child with little memory for it and its children; return what it prints."""
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        preexec_fn=_bound,
        capture_output=True,
        text=True,
        timeout=_TIME.total_seconds(),
        check=False,
    )
    return result.stdout + result.stderr[-2000:]


def _bound() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))


def _ten(mode: str, oid: pygit2.Oid) -> Lines:
    return [(mode, b"%d" % number, oid) for number in range(10)]
