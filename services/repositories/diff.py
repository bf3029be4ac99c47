from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import pygit2

from services.repositories.mirror import Mirror
from services.repositories.objects import Entry, subtree_of, tree_of
from services.repositories.paths import path_bytes
from services.repositories.transport import DEFAULT_LIMITS, run_local
from services.repositories.tree_objects import damaged, size_of
from services.repositories.tree_sizes import check_size

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_NOTHING = "0" * 40
# Git holds the contents that it compares: about one and a half times their size.
MAX_RENAME_BYTES = 128 * 1024**2


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
    bytes that are not UTF-8. Where the added and removed files together pass MAX_RENAME_BYTES, only files of
    equal content are paired. Raises RefNotFound for a missing tree, and RepositoryTooLarge as check_size and
    run_local do.
    """
    repository = where.repository if isinstance(where, Mirror) else where
    trees = [tree if tree == EMPTY_TREE else tree_of(repository, tree) for tree in (before, after)]
    if trees[0] == trees[1]:
        return []
    for tree in trees:
        _check_size(repository, tree, prefix)
    changes = _diff(repository, trees, prefix, renames="-M100%")
    if _may_be_renamed(repository, changes):
        changes = _diff(repository, trees, prefix, renames="-M")
    return sorted(changes, key=lambda change: path_bytes(change.path))


def _check_size(repository: pygit2.Repository, tree: str, prefix: str) -> None:
    below = None if tree == EMPTY_TREE else subtree_of(repository, tree, prefix)
    if below is not None:
        check_size(repository, below, prefix=prefix)


def _may_be_renamed(repository: pygit2.Repository, changes: Sequence[TreeChange]) -> bool:
    """Return whether edited files may be among the added and removed ones, few enough to be compared."""
    added, removed = (
        [entry for change in changes if change.change is side and (entry := change.new or change.old)]
        for side in (Change.ADDED, Change.REMOVED)
    )
    if not added or not removed:
        return False
    files = (entry.oid for entry in (*added, *removed) if entry.is_blob)
    return sum(size_of(repository, oid) for oid in files) <= MAX_RENAME_BYTES


def _diff(
    repository: pygit2.Repository, trees: Sequence[str], prefix: str, *, renames: str
) -> list[TreeChange]:
    arguments = ["diff-tree", "-r", renames, "--raw", "-z", "--no-abbrev", "--end-of-options", *trees, "--"]
    return list(_parse(_run(repository, [*arguments, prefix] if prefix else arguments)))


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
