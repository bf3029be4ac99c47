import stat
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import pygit2
from pygit2.enums import ObjectType

from models.errors import RefNotFound
from services.repositories.paths import path_bytes
from services.repositories.tree_objects import (
    TREE_MODE,
    damaged,
    mode_of,
    peel,
    read_object,
    size_of,
    tree_lines,
    tree_of_commit,
)
from services.repositories.tree_sizes import check_size


class Entry(NamedTuple):
    """An entry of a tree other than a folder: a file, a symbolic link or a submodule.

    `path` starts at the repository's root; surrogates stand for bytes that are not UTF-8.
    """

    # A named tuple because there are many: it is built five times faster than a frozen dataclass.
    path: str
    mode: int
    oid: str

    @property
    def is_blob(self) -> bool:
        """Return whether this is a file with content of its own, not a link or a submodule."""
        return is_file(self.mode)


class EntryGroup(NamedTuple):
    """Neighbours in a listing of a tree that share a folder and a mode.

    `folder` starts at the root and ends in a slash, or is empty; `names` are names in it with their object
    ids of 20 bytes.
    """

    folder: bytes
    mode: int
    names: list[tuple[bytes, bytes]]

    def path(self, name: bytes) -> str:
        """Return the full path of a name in the folder, with surrogates for bytes that are not UTF-8."""
        return (self.folder + name).decode("utf-8", "surrogateescape")


def is_file(mode: int) -> bool:
    """Return whether a mode is that of a file, executable or not."""
    return stat.S_ISREG(mode)


def tree_of(repository: pygit2.Repository, treeish: str) -> str:
    """Return the tree of a commit (or the tree itself); raise RefNotFound where there is none."""
    found = peel(repository, treeish)
    if found is None:
        raise RefNotFound(treeish)
    kind, oid = found
    if kind == ObjectType.COMMIT:
        return tree_of_commit(repository, oid)
    if kind != ObjectType.TREE:
        raise RefNotFound(treeish)
    return oid


def subtree_of(repository: pygit2.Repository, tree: str, prefix: str) -> str | None:
    """Return the tree at a path of a tree, the tree itself for ''; None where it has no folder there."""
    found = _object_at(repository, tree, prefix)
    return str(found.id) if isinstance(found, pygit2.Tree) else None


def entry_at(repository: pygit2.Repository, treeish: str, path: str) -> Entry | None:
    """Return the entry at a path; None where the path names nothing, or a folder."""
    folder, _, name = path.rpartition("/")
    found = _object_at(repository, tree_of(repository, treeish), folder)
    if not isinstance(found, pygit2.Tree) or path.startswith("/") or name not in found:
        return None
    entry = found[name]
    return None if entry.filemode == TREE_MODE else Entry(path, int(entry.filemode), str(entry.id))


def entries(repository: pygit2.Repository, treeish: str, prefix: str = "") -> list[Entry]:
    """Return what `git ls-tree -r` lists under a prefix, in its order: links and submodules included.

    Empty where the prefix names nothing; the one entry where it names a file. Raises RefNotFound, and
    RepositoryTooLarge as check_size does.
    """
    return [
        Entry(group.path(name), group.mode, oid.hex())
        for group in entry_groups(repository, treeish, prefix)
        for name, oid in group.names
    ]


def entry_groups(repository: pygit2.Repository, treeish: str, prefix: str = "") -> Iterator[EntryGroup]:
    """Yield what `entries` lists, in its order, without an object for each entry."""
    root = tree_of(repository, treeish)
    tree = subtree_of(repository, root, prefix)
    if tree is not None:
        check_size(repository, tree, prefix=prefix)
        yield from _walk(repository, tree, path_bytes(prefix) + b"/" if prefix else b"")
    elif (alone := entry_at(repository, root, prefix)) is not None:
        folder, slash, name = path_bytes(alone.path).rpartition(b"/")
        yield EntryGroup(folder + slash, alone.mode, [(name, bytes.fromhex(alone.oid))])


def read_blob(repository: pygit2.Repository, oid: str, *, limit: int) -> bytes | None:
    """Return a blob's content; None, without reading it, where it has more than `limit` bytes."""
    if size_of(repository, oid) > limit:
        return None
    return read_object(repository, oid)


def _walk(repository: pygit2.Repository, tree: str, prefix: bytes) -> Iterator[EntryGroup]:
    # The rest of every folder on the way down. No recursion: a tree may be deeper than the stack.
    open_folders = [_groups_in(repository, tree, prefix)]
    while open_folders:
        for group in open_folders[-1]:
            if group.mode == TREE_MODE:
                ((name, oid),) = group.names
                open_folders.append(_groups_in(repository, oid.hex(), group.folder + name + b"/"))
                break
            yield group
        else:
            open_folders.pop()


def _groups_in(repository: pygit2.Repository, tree: str, folder: bytes) -> Iterator[EntryGroup]:
    """Yield one folder's groups; each folder in it is a group of its own."""
    for digits, lines in groupby(tree_lines(repository, tree), key=itemgetter(0)):
        mode = mode_of(digits)
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
