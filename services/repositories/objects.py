import contextlib
import functools
import re
import stat
from collections.abc import Iterator
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import pygit2

from models.errors import RefNotFound, RepositoryError, RepositoryTooLarge

TREE_MODE = 0o040000
# Where a mirror says of itself that it must be made anew; the next fetch looks for it.
DAMAGED = "operationrun-damaged"
# A tree of a few kilobytes can name itself a billion times over.
MAX_ENTRIES = 1_000_000

# A mode in octal digits, a name and an object id of 20 bytes, as a tree object has them.
_LINE = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)


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
        return is_file(self.mode)


class EntryGroup(NamedTuple):
    """Neighbours in a listing of a tree: of one folder, and of one mode.

    `folder` is full and ends in a slash, empty at the root; `names` are names in it, with their object ids of
    20 bytes. So a whole folder of files is one object, and not one for each.
    """

    folder: bytes
    mode: int
    names: list[tuple[bytes, bytes]]

    def path(self, name: bytes) -> str:
        """Return the full path of a name in the folder, what is not UTF-8 as surrogates."""
        return (self.folder + name).decode("utf-8", "surrogateescape")


class RawEntry(NamedTuple):
    """One line of a tree object: a mode, a name in bytes, and an object id of 20 bytes."""

    mode: int
    name: bytes
    oid: bytes


def is_file(mode: int) -> bool:
    """Tell whether a mode is that of a file, executable or not."""
    return stat.S_ISREG(mode)


def tree_of(repository: pygit2.Repository, treeish: str) -> str:
    """Return the tree of a commit (or the tree itself); raise RefNotFound where there is none."""
    try:
        found = repository[treeish]
    except (KeyError, ValueError):
        raise RefNotFound(treeish) from None
    except pygit2.GitError:
        raise damaged(repository, treeish) from None
    try:
        return str(found.peel(pygit2.Tree).id)
    except (ValueError, pygit2.GitError):
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
    return [
        Entry(run.path(name), run.mode, oid.hex())
        for run in entry_groups(repository, treeish, prefix)
        for name, oid in run.names
    ]


def entry_groups(repository: pygit2.Repository, treeish: str, prefix: str = "") -> Iterator[EntryGroup]:
    """Give what `entries` lists, in its order, without an object for each entry."""
    root = tree_of(repository, treeish)
    tree = subtree_of(repository, root, prefix)
    if tree is not None:
        yield from _walk(repository, tree, _bytes(prefix) + b"/" if prefix else b"")
    elif (alone := entry_at(repository, root, prefix)) is not None:
        folder, slash, name = _bytes(alone.path).rpartition(b"/")
        yield EntryGroup(folder + slash, alone.mode, [(name, bytes.fromhex(alone.oid))])


def read_blob(repository: pygit2.Repository, oid: str, *, limit: int) -> bytes | None:
    """Return a blob's content; None where it has more than `limit` bytes, which are then not read."""
    if size_of(repository, oid) > limit:
        return None
    try:
        return repository.odb.read(oid)[1]
    except (KeyError, pygit2.GitError):
        raise damaged(repository, oid) from None


def size_of(repository: pygit2.Repository, oid: str) -> int:
    """Return how many bytes an object has; it is not read."""
    try:
        return repository.odb.read_header(oid)[1]
    except (KeyError, pygit2.GitError):
        raise damaged(repository, oid) from None


def read_tree(repository: pygit2.Repository, oid: str) -> list[RawEntry]:
    """Return the entries of one tree object in its order."""
    return [RawEntry(_mode(digits), name, entry) for digits, name, entry in _lines(repository, oid)]


def _lines(repository: pygit2.Repository, oid: str) -> list[tuple[bytes, bytes, bytes]]:
    try:
        data = repository.odb.read(oid)[1]
    except (KeyError, pygit2.GitError):
        raise damaged(repository, oid) from None
    lines: list[tuple[bytes, bytes, bytes]] = _LINE.findall(data)
    # A space and a NUL stand in every line; anything else left over is no line.
    if sum(map(len, chain.from_iterable(lines))) + 2 * len(lines) != len(data):
        raise damaged(repository, oid)
    return lines


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


def _walk(repository: pygit2.Repository, tree: str, prefix: bytes) -> Iterator[EntryGroup]:
    # What is left of every folder on the way down; no recursion, as a tree may be deeper than the stack.
    open_folders = [_runs_of(repository, tree, prefix)]
    seen = 0
    while open_folders:
        for run in open_folders[-1]:
            seen += len(run.names)
            if seen > MAX_ENTRIES:
                raise RepositoryTooLarge(f"The tree has more than {MAX_ENTRIES:,} entries.")
            if run.mode == TREE_MODE:
                ((name, oid),) = run.names
                open_folders.append(_runs_of(repository, oid.hex(), run.folder + name + b"/"))
                break
            yield run
        else:
            open_folders.pop()


def _runs_of(repository: pygit2.Repository, tree: str, folder: bytes) -> Iterator[EntryGroup]:
    """Give one folder's entry_groups; each folder in it is a run of its own."""
    for digits, lines in groupby(_lines(repository, tree), key=itemgetter(0)):
        mode = _mode(digits)
        names = [line[1:] for line in lines]
        if mode == TREE_MODE:
            yield from (EntryGroup(folder, mode, [name]) for name in names)
        else:
            yield EntryGroup(folder, mode, names)


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
