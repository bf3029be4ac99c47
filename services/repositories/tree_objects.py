import contextlib
import functools
import re
import stat
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pygit2
from pygit2.enums import ObjectType

from models.errors import RepositoryError, RepositoryTooLarge

TREE_MODE = 0o040000
# A file in a mirror: its next fetch builds it again.
DAMAGED = "operationrun-damaged"

# About 250,000 entries with names of a hundred bytes.
MAX_TREE_BYTES = 32 * 1024**2
MAX_COMMIT_BYTES = 1024**2

# Octal digits of the mode, a name, and an object id of 20 bytes.
_LINE = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)


class RawEntry(NamedTuple):
    """One line of a tree object: a mode, a name in bytes, and an object id of 20 bytes."""

    mode: int
    name: bytes
    oid: bytes


def read_tree(repository: pygit2.Repository, oid: str) -> list[RawEntry]:
    """Return the entries of one tree object in its order."""
    return [RawEntry(mode_of(digits), name, entry) for digits, name, entry in tree_lines(repository, oid)]


def tree_lines(repository: pygit2.Repository, oid: str) -> list[tuple[bytes, bytes, bytes]]:
    """Return a tree object's lines as (octal mode, name, object id).

    Raises RepositoryError if it is malformed, and RepositoryTooLarge past MAX_TREE_BYTES.
    """
    if size_of(repository, oid) > MAX_TREE_BYTES:
        raise RepositoryTooLarge(f"A folder of the repository takes more than {MAX_TREE_BYTES:,} bytes.")
    data = read_object(repository, oid)
    lines: list[tuple[bytes, bytes, bytes]] = _LINE.findall(data)
    # Every line has a space and a NUL as well; any other byte left over belongs to no line.
    if sum(map(len, chain.from_iterable(lines))) + 2 * len(lines) != len(data):
        raise damaged(repository, oid)
    return lines


def read_object(repository: pygit2.Repository, oid: str) -> bytes:
    """Return an object's content; raise RepositoryError where the mirror lacks it or it is broken."""
    try:
        return repository.odb.read(oid)[1]
    except (KeyError, pygit2.GitError):
        raise damaged(repository, oid) from None


def size_of(repository: pygit2.Repository, oid: str) -> int:
    """Return an object's size in bytes, without reading it."""
    try:
        return repository.odb.read_header(oid)[1]
    except (KeyError, pygit2.GitError):
        raise damaged(repository, oid) from None


def peel(repository: pygit2.Repository, oid: str) -> tuple[ObjectType, str] | None:
    """Return the type and id of the object that a whole id names, directly or through tags; None for none.

    Raises RepositoryError where it is broken, and RepositoryTooLarge for a tag past MAX_COMMIT_BYTES.
    """
    # Not libgit2's own peeling: it refuses a commit or a tag whose signature is odd, which git reads.
    while True:
        try:
            kind, _ = repository.odb.read_header(pygit2.Oid(hex=oid))
        except (KeyError, ValueError):
            return None
        except pygit2.GitError:
            raise damaged(repository, oid) from None
        if kind != ObjectType.TAG:
            return ObjectType(kind), oid
        oid = _first_header(repository, oid, b"object")


def tree_of_commit(repository: pygit2.Repository, commit: str) -> str:
    """Return the tree of a commit; raise as `peel` does."""
    return _first_header(repository, commit, b"tree")


def _first_header(repository: pygit2.Repository, oid: str, name: bytes) -> str:
    if size_of(repository, oid) > MAX_COMMIT_BYTES:
        raise RepositoryTooLarge(f"A commit or tag takes more than {MAX_COMMIT_BYTES:,} bytes.")
    key, _, value = read_object(repository, oid).partition(b"\n")[0].partition(b" ")
    if key != name or len(value) != len(oid):
        raise damaged(repository, oid)
    return value.decode("ascii", "replace")


@functools.cache
def mode_of(digits: bytes) -> int:
    """Return the mode as which Git treats an entry: old trees have others than the five it writes."""
    mode = int(digits, 8)
    if stat.S_ISREG(mode):
        return 0o100755 if mode & 0o100 else 0o100644
    if stat.S_ISLNK(mode) or stat.S_ISDIR(mode):
        return stat.S_IFMT(mode)
    return 0o160000


def damaged(repository: pygit2.Repository, oid: str) -> RepositoryError:
    """Mark the mirror of a missing or broken object as damaged; return the error to raise."""
    # Another process may have replaced the mirror meanwhile: then there is nothing left to mark.
    with contextlib.suppress(FileNotFoundError):
        Path(repository.path, DAMAGED).touch()
    return RepositoryError(
        f"The mirror lacks object {oid}, or holds it broken. Its next fetch makes it anew."
    )
