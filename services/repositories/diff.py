from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import pygit2

from services.repositories.mirror import Mirror
from services.repositories.objects import Entry, tree_of
from services.repositories.paths import path_bytes
from services.repositories.transport import DEFAULT_LIMITS, run_local
from services.repositories.tree_objects import damaged

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_NOTHING = "0" * 40


class Change(StrEnum):
    """How a file differs between two trees; a type change counts as changed."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    CHANGED = "changed"


_CHANGES = {
    "A": Change.ADDED,
    "D": Change.REMOVED,
    "R": Change.RENAMED,
    "M": Change.CHANGED,
    "T": Change.CHANGED,
}


class TreeChange(NamedTuple):
    """One changed file; `before` and `after` are its object ids, None on the side that lacks it.

    Modes are Git's, 0 on the side that lacks it. A renamed file, edited or not, is `renamed`.
    """

    change: Change
    path: str
    previous_path: str | None
    before: str | None
    after: str | None
    mode_before: int
    mode_after: int

    @property
    def old(self) -> Entry | None:
        """The entry before; None for an added file."""
        if self.before is None:
            return None
        return Entry(path=self.previous_path or self.path, mode=self.mode_before, oid=self.before)

    @property
    def new(self) -> Entry | None:
        """The entry after; None for a removed file."""
        return None if self.after is None else Entry(path=self.path, mode=self.mode_after, oid=self.after)


def diff_trees(
    where: Mirror | pygit2.Repository, before: str, after: str, prefix: str = ""
) -> list[TreeChange]:
    """Return what changed under a prefix, sorted by path, as `git diff -M` counts it: 50 %, git's own limit.

    `before` and `after` are commits, trees or EMPTY_TREE. Paths start at the root; surrogates stand for
    bytes that are not UTF-8. Raises RefNotFound for a missing tree.
    """
    repository = where.repository if isinstance(where, Mirror) else where
    trees = [tree if tree == EMPTY_TREE else tree_of(repository, tree) for tree in (before, after)]
    if trees[0] == trees[1]:
        return []
    arguments = ["diff-tree", "-r", "-M", "--raw", "-z", "--no-abbrev", "--end-of-options", *trees, "--"]
    raw = _run(repository, [*arguments, prefix] if prefix else arguments)
    return sorted(_parse(raw), key=lambda change: path_bytes(change.path))


def _run(repository: pygit2.Repository, arguments: list[str]) -> bytes:
    result = run_local(Path(repository.path), arguments, limits=DEFAULT_LIMITS)
    if result.exit_code != 0:
        raise damaged(repository, arguments[-2])
    return result.stdout


def _parse(raw: bytes) -> Iterator[TreeChange]:
    """Read `:mode mode oid oid status` NUL path NUL, with two paths where the file was renamed."""
    fields = iter(raw.decode("utf-8", "surrogateescape").split("\0"))
    for line in fields:
        if not line:
            return
        mode_before, mode_after, before, after, status = line.removeprefix(":").split(" ")
        change = _CHANGES[status[0]]
        first = next(fields)
        yield TreeChange(
            change=change,
            path=next(fields) if change is Change.RENAMED else first,
            previous_path=first if change is Change.RENAMED else None,
            before=None if before == _NOTHING else before,
            after=None if after == _NOTHING else after,
            mode_before=int(mode_before, 8),
            mode_after=int(mode_after, 8),
        )
