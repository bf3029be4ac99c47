from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import pygit2

from models.errors import RepositoryTooLarge
from services.repositories.paths import may_be_dangerous
from services.repositories.tree_objects import TREE_MODE, mode_of, tree_lines

# A tree of a few kilobytes can name its folders a billion times, or nest them a million deep.
MAX_ENTRIES: Final = 250_000
MAX_PATH_BYTES: Final = 64 * 1024**2
MAX_DEPTH: Final = 2048

_KEPT: Final = 50_000
# By tree. An object id names one content, in every repository.
_known: dict[str, "TreeSize"] = {}


class TreeSize(NamedTuple):
    """How large a tree is once each folder is listed as often as it is named.

    `entries` counts files, links, submodules and folders; `path_bytes` is the length of all their paths.
    `may_be_dangerous` is False where no name in it is dangerous, of empty folders neither.
    """

    entries: int
    path_bytes: int
    depth: int
    may_be_dangerous: bool


class _Level(NamedTuple):
    """One tree object: its lines, the bytes of their names, and its folders as (length of name, tree)."""

    lines: int
    name_bytes: int
    folders: Sequence[tuple[int, str]]
    may_be_dangerous: bool


def check_size(repository: pygit2.Repository, tree: str, *, prefix: str = "") -> None:
    """Raise RepositoryTooLarge, naming the limit, for a tree with too many, too long or too deep paths.

    `prefix` is the path of the tree in its repository. Takes time for each tree object, and not for each
    place where it is named.
    """
    size = size_of_tree(repository, tree)
    if size.entries > MAX_ENTRIES:
        raise _too_large(f"{MAX_ENTRIES:,} entries")
    if size.depth > MAX_DEPTH:
        raise _too_large(f"{MAX_DEPTH:,} levels of folders")
    if size.path_bytes + size.entries * len(prefix) > MAX_PATH_BYTES:
        raise _too_large(f"{MAX_PATH_BYTES:,} bytes of paths")


def size_of_tree(repository: pygit2.Repository, tree: str) -> TreeSize:
    """Measure a tree; raise RepositoryTooLarge past MAX_DEPTH, or MAX_ENTRIES without a repeated one."""
    levels = dict[str, _Level]()
    sizes = dict[str, TreeSize]()
    lines = 0
    # From the deepest up, without recursion: a tree may be deeper than the stack.
    waiting = [(tree, 1)]
    while waiting:
        oid, depth = waiting[-1]
        if oid not in sizes and (known := _known.get(oid)):
            sizes[oid] = known
        if oid not in sizes and oid not in levels:
            if depth > MAX_DEPTH:
                raise _too_large(f"{MAX_DEPTH:,} levels of folders")
            levels[oid] = level = _level(repository, oid)
            lines += level.lines
            if lines > MAX_ENTRIES:
                raise _too_large(f"{MAX_ENTRIES:,} entries")
            waiting += ((folder, depth + 1) for folder in dict.fromkeys(oid for _, oid in level.folders))
            continue
        waiting.pop()
        if oid not in sizes:
            sizes[oid] = _sum(levels.pop(oid), sizes)
    _keep(sizes)
    return sizes[tree]


def _level(repository: pygit2.Repository, tree: str) -> _Level:
    lines = tree_lines(repository, tree)
    return _Level(
        lines=len(lines),
        name_bytes=sum(len(name) for _, name, _ in lines),
        folders=[(len(name), oid.hex()) for digits, name, oid in lines if mode_of(digits) == TREE_MODE],
        may_be_dangerous=bool(lines) and may_be_dangerous(b"/".join(name for _, name, _ in lines)),
    )


def _sum(level: _Level, sizes: Mapping[str, TreeSize]) -> TreeSize:
    below = [(length, sizes[oid]) for length, oid in level.folders]
    return TreeSize(
        entries=level.lines + sum(size.entries for _, size in below),
        path_bytes=level.name_bytes
        + sum(size.path_bytes + size.entries * (length + 1) for length, size in below),
        depth=1 + max((size.depth for _, size in below), default=0),
        may_be_dangerous=level.may_be_dangerous or any(size.may_be_dangerous for _, size in below),
    )


def _keep(sizes: Mapping[str, TreeSize]) -> None:
    if len(_known) + len(sizes) > _KEPT:
        _known.clear()
    _known.update(sizes)


def _too_large(limit: str) -> RepositoryTooLarge:
    return RepositoryTooLarge(f"A tree of the repository has more than {limit}.")
