from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pygit2
from pygit2.enums import ObjectType

from models.errors import RefNotFound, RepositoryError, RepositoryTooLarge

TREE_MODE = 0o040000
_BLOB_MODES = frozenset({0o100644, 0o100755, 0o100664})
# Where a mirror says of itself that it must be made anew; the next fetch looks for it.
DAMAGED = "operationrun-damaged"
# A tree of a few kilobytes can name itself a billion times over.
MAX_ENTRIES = 1_000_000


class Entry(NamedTuple):
    """One entry of a tree that is no tree: a file, a symbolic link or a submodule.

    `path` is full, from the repository's root, and carries what is not UTF-8 as surrogates. A named tuple,
    because there are many: it is made five times faster than a frozen dataclass.
    """

    path: str
    mode: int
    oid: str

    @property
    def is_blob(self) -> bool:
        """Tell whether this is a file with content of its own, not a link or a submodule."""
        return self.mode in _BLOB_MODES


class RawEntry(NamedTuple):
    """One line of a tree object: a mode, a name in bytes, and an object id of 20 bytes."""

    mode: int
    name: bytes
    oid: bytes


def tree_of(repository: pygit2.Repository, treeish: str) -> str:
    """Return the tree of a commit (or the tree itself); raise RefNotFound where there is none."""
    try:
        return str(repository[treeish].peel(pygit2.Tree).id)
    except (KeyError, ValueError, pygit2.GitError):
        raise RefNotFound(treeish) from None


def subtree_of(repository: pygit2.Repository, tree: str, prefix: str) -> str | None:
    """Return the tree at a path of a tree, the tree itself for ''; None where no folder stands there."""
    if not prefix:
        return tree
    found = _raw_entry_at(repository, tree, prefix)
    return found.oid.hex() if found is not None and found.mode == TREE_MODE else None


def entry_at(repository: pygit2.Repository, treeish: str, path: str) -> Entry | None:
    """Return the entry at a path; None where nothing stands there, or a folder."""
    found = _raw_entry_at(repository, tree_of(repository, treeish), path)
    if found is None or found.mode == TREE_MODE:
        return None
    return Entry(path, found.mode, found.oid.hex())


def entries(repository: pygit2.Repository, treeish: str, prefix: str = "") -> list[Entry]:
    """Return what `git ls-tree -r` lists under a prefix, in its order: links and submodules included.

    Empty where the prefix names nothing; the one entry where it names a file. Raises RefNotFound, and
    RepositoryTooLarge past a million entries.
    """
    root = tree_of(repository, treeish)
    tree = subtree_of(repository, root, prefix)
    if tree is None:
        alone = entry_at(repository, root, prefix)
        return [alone] if alone else []
    return _walk(repository, tree, _bytes(prefix) + b"/" if prefix else b"")


def read_blob(repository: pygit2.Repository, oid: str, *, limit: int) -> bytes | None:
    """Return a blob's content; None where it has more than `limit` bytes, which are then not read."""
    try:
        _, size = repository.odb.read_header(oid)
        if size > limit:
            return None
        return repository.odb.read(oid)[1]
    except (KeyError, pygit2.GitError):
        raise damaged(repository, oid) from None


def read_tree(repository: pygit2.Repository, oid: str) -> Iterator[RawEntry]:
    """Yield the entries of one tree object as they stand in it."""
    try:
        data = repository.odb.read(oid)[1]
    except (KeyError, pygit2.GitError):
        raise damaged(repository, oid) from None
    start = 0
    while start < len(data):
        space = data.index(b" ", start)
        end = data.index(b"\0", space)
        yield RawEntry(int(data[start:space], 8), data[space + 1 : end], data[end + 1 : end + 21])
        start = end + 21


def damaged(repository: pygit2.Repository, oid: str) -> RepositoryError:
    """Mark a mirror whose object is missing or broken, so that its next fetch makes it anew."""
    Path(repository.path, DAMAGED).touch()
    return RepositoryError(f"The mirror lacks object {oid}, or holds it broken. Its next fetch makes it anew.")


def _walk(repository: pygit2.Repository, tree: str, prefix: bytes) -> list[Entry]:
    found: list[Entry] = []
    # Of every folder on the way down, what is left of it; no recursion, for a tree may be deeper than a stack.
    open_folders = [(prefix, read_tree(repository, tree))]
    seen = 0
    while open_folders:
        folder, rest = open_folders[-1]
        for mode, name, oid in rest:
            seen += 1
            if mode == TREE_MODE:
                open_folders.append((folder + name + b"/", read_tree(repository, oid.hex())))
                break
            found.append(Entry((folder + name).decode("utf-8", "surrogateescape"), mode, oid.hex()))
        else:
            open_folders.pop()
        if seen > MAX_ENTRIES:
            raise RepositoryTooLarge(f"The tree has more than {MAX_ENTRIES:,} entries.")
    return found


def _raw_entry_at(repository: pygit2.Repository, tree: str, path: str) -> RawEntry | None:
    found = RawEntry(TREE_MODE, b"", bytes.fromhex(tree))
    for name in _bytes(path).split(b"/"):
        if found.mode != TREE_MODE:
            return None
        inside = (entry for entry in read_tree(repository, found.oid.hex()) if entry.name == name)
        step = next(inside, None)
        if step is None:
            return None
        found = step
    return found


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
