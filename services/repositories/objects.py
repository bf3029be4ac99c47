import contextlib
import functools
import stat
from pathlib import Path
from typing import NamedTuple

import pygit2

from models.errors import RefNotFound, RepositoryError, RepositoryTooLarge

TREE_MODE = 0o040000
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
        return stat.S_ISREG(self.mode)


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
    found = _object_at(repository, tree, prefix)
    return str(found.id) if isinstance(found, pygit2.Tree) else None


def entry_at(repository: pygit2.Repository, treeish: str, path: str) -> Entry | None:
    """Return the entry at a path; None where nothing stands there, or a folder."""
    folder, _, name = path.rpartition("/")
    found = _object_at(repository, tree_of(repository, treeish), folder)
    if not isinstance(found, pygit2.Tree) or path.startswith("/") or name not in found:
        return None
    entry = found[name]
    return None if entry.filemode == TREE_MODE else Entry(path, int(entry.filemode), str(entry.id))


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


def read_tree(repository: pygit2.Repository, oid: str) -> list[RawEntry]:
    """Return the entries of one tree object in its order."""
    try:
        return _parse_tree(repository.odb.read(oid)[1])
    except (KeyError, ValueError, pygit2.GitError):
        raise damaged(repository, oid) from None


def _parse_tree(data: bytes) -> list[RawEntry]:
    found = []
    start = 0
    while start < len(data):
        space = data.index(b" ", start)
        end = data.index(b"\0", space)
        found.append(RawEntry(_mode(data[start:space]), data[space + 1 : end], data[end + 1 : end + 21]))
        start = end + 21
    return found


@functools.cache
def _mode(digits: bytes) -> int:
    """Return the mode that Git takes an entry for: old trees hold others than the five it writes."""
    mode = int(digits, 8)
    if stat.S_ISREG(mode):
        return 0o100755 if mode & 0o100 else 0o100644
    if stat.S_ISLNK(mode) or stat.S_ISDIR(mode):
        return stat.S_IFMT(mode)
    return 0o160000


def damaged(repository: pygit2.Repository, oid: str) -> RepositoryError:
    """Mark a mirror whose object is missing or broken, so that its next fetch makes it anew."""
    # Where the mirror was made anew meanwhile, there is nothing left to mark.
    with contextlib.suppress(FileNotFoundError):
        Path(repository.path, DAMAGED).touch()
    return RepositoryError(
        f"The mirror lacks object {oid}, or holds it broken. Its next fetch makes it anew."
    )


def _walk(repository: pygit2.Repository, tree: str, prefix: bytes) -> list[Entry]:
    found: list[Entry] = []
    # What is left of every folder on the way down; no recursion, as a tree may be deeper than the stack.
    open_folders = [(prefix, iter(read_tree(repository, tree)))]
    seen = 0
    while open_folders:
        folder, rest = open_folders[-1]
        for mode, name, oid in rest:
            seen += 1
            if mode == TREE_MODE:
                open_folders.append((folder + name + b"/", iter(read_tree(repository, oid.hex()))))
                break
            found.append(Entry((folder + name).decode("utf-8", "surrogateescape"), mode, oid.hex()))
        else:
            open_folders.pop()
        if seen > MAX_ENTRIES:
            raise RepositoryTooLarge(f"The tree has more than {MAX_ENTRIES:,} entries.")
    return found


def _object_at(repository: pygit2.Repository, tree: str, path: str) -> pygit2.Object | None:
    try:
        root = repository[tree].peel(pygit2.Tree)
        return root[path] if path else root
    except KeyError:
        return None
    except pygit2.GitError:
        raise damaged(repository, tree) from None


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
