from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import pygit2

from models.errors import RepositoryTooLarge
from services.repositories.paths import path_bytes
from services.repositories.tree_objects import TREE_MODE, mode_of, tree_lines

# Entries of trees and paths that one reading of a history compares: about ten seconds.
COMPARED: Final = 10_000_000
_CACHED_ENTRIES: Final = 500_000

_Entry = tuple[int, bytes]
_Folder = Mapping[bytes, _Entry]
_EMPTY: Final[_Folder] = {}


class OutOfBudget(Exception):
    """The trees of a history have more entries than one reading compares."""


@dataclass(kw_only=True)
class _Node:
    """A name on the way to the paths that are looked for; `path` where one ends here."""

    path: str | None = None
    below: dict[bytes, "_Node"] = field(default_factory=dict)


class PathHistory:
    """Finds which of some paths differ between two trees, and descends nowhere else.

    So no tree beside those paths costs anything, however many entries it has (law L13). Raises OutOfBudget
    once COMPARED entries were compared.
    """

    def __init__(self, repository: pygit2.Repository, paths: Iterable[str]) -> None:
        self._repository = repository
        self._root = _Node()
        self._left = COMPARED
        self._cached = OrderedDict[bytes, _Folder]()
        self._cached_entries = 0
        for path in paths:
            self._add(path)

    def _add(self, path: str) -> None:
        node = self._root
        for name in path_bytes(path).split(b"/"):
            node = node.below.setdefault(name, _Node())
        node.path = path

    def differing(self, before: str | None, after: str) -> Iterator[str]:
        """Yield the paths whose file, link or submodule differs; `before` None is the empty tree."""
        old = (TREE_MODE, bytes.fromhex(before)) if before else None
        waiting: list[tuple[_Node, _Entry | None, _Entry | None]]
        waiting = [(self._root, old, (TREE_MODE, bytes.fromhex(after)))]
        while waiting:
            node, one, other = waiting.pop()
            if one == other:
                continue
            if node.path is not None and _file(one) != _file(other):
                yield node.path
            if node.below:
                left, right = self._folder(one), self._folder(other)
                self._spend(len(node.below))
                waiting += ((child, left.get(name), right.get(name)) for name, child in node.below.items())

    def _folder(self, entry: _Entry | None) -> _Folder:
        """Return a folder's entries by name; none for a file, and for a tree too large to be read."""
        if entry is None or entry[0] != TREE_MODE:
            return _EMPTY
        oid = entry[1]
        found = self._cached.get(oid)
        if found is None:
            try:
                lines = tree_lines(self._repository, oid.hex())
            except RepositoryTooLarge:
                lines = []
            self._spend(len(lines))
            found = {name: (mode_of(digits), child) for digits, name, child in lines}
            self._keep(oid, found)
        return found

    def _keep(self, oid: bytes, folder: _Folder) -> None:
        # Most commits share their trees with their parents, which are compared next.
        self._cached[oid] = folder
        self._cached_entries += len(folder)
        while self._cached_entries > _CACHED_ENTRIES:
            _, dropped = self._cached.popitem(last=False)
            self._cached_entries -= len(dropped)

    def _spend(self, entries: int) -> None:
        self._left -= entries
        if self._left < 0:
            raise OutOfBudget


def _file(entry: _Entry | None) -> _Entry | None:
    return None if entry is None or entry[0] == TREE_MODE else entry
