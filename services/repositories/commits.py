import functools
from collections.abc import Collection, Mapping
from datetime import datetime

import pygit2
from pygit2.enums import ObjectType

from models.errors import InvalidInput
from services.repositories.paths import is_dangerous, path_bytes
from services.repositories.trailers import TRAILER_KEY
from services.repositories.tree_objects import TREE_MODE, read_tree

_Folder = dict[bytes, tuple[int, bytes]]


def write_tree(
    repository: pygit2.Repository,
    base_tree: str,
    *,
    writes: Mapping[str, tuple[str, int]],
    deletes: Collection[str],
) -> str:
    """Return a tree that is the base with files written (path -> object id, mode) and files deleted.

    1. Only the folders on the way to a touched path are read.
    2. Deletes come first, then writes. A delete of what is no file does nothing. A file written in place of
       a folder replaces it with all its content; a folder needed in place of a file replaces the file.
    3. Folders are written from the deepest up; an empty folder vanishes.

    Raises InvalidInput for a path that Git does not allow, and for a write below another written file.
    """
    deleted = {_split(path) for path in deletes}
    written = {_split(path): (mode, bytes.fromhex(oid)) for path, (oid, mode) in writes.items()}
    folders = _read_folders(repository, base_tree, {path[:-1] for path in (*deleted, *written)})
    for *folder, name in deleted:
        entry = folders[tuple(folder)].get(name)
        if entry is not None and entry[0] != TREE_MODE:
            del folders[tuple(folder)][name]
    _check_no_file_above({path[:-1] for path in written}, written)
    for path, entry in written.items():
        folders[path[:-1]][path[-1]] = entry
    return _write_folders(repository, folders, written)


def _split(path: str) -> tuple[bytes, ...]:
    if "\0" in path or is_dangerous(path):
        raise InvalidInput("items", f"{path!r} is not a path that Git allows in a tree.")
    folder, slash, name = path.rpartition("/")
    return (*(_folder(folder) if slash else ()), path_bytes(name))


# Many files share few folders.
@functools.lru_cache(maxsize=1024)
def _folder(path: str) -> tuple[bytes, ...]:
    return tuple(path_bytes(path).split(b"/"))


def _check_no_file_above(
    folders: Collection[tuple[bytes, ...]], written: Collection[tuple[bytes, ...]]
) -> None:
    for folder in folders:
        if any(folder[:depth] in written for depth in range(1, len(folder) + 1)):
            name = b"/".join(folder).decode("utf-8", "replace")
            raise InvalidInput(
                "items", f"{name!r} cannot be written to: it, or a folder above it, is written as a file."
            )


def _read_folders(
    repository: pygit2.Repository, base_tree: str, touched: Collection[tuple[bytes, ...]]
) -> dict[tuple[bytes, ...], _Folder]:
    """Read the touched folders and all above them, from the top; a missing folder is empty."""
    needed = {folder[:depth] for folder in (*touched, ()) for depth in range(len(folder) + 1)}
    folders: dict[tuple[bytes, ...], _Folder] = {}
    for folder in sorted(needed, key=len):
        mode, oid = (TREE_MODE, bytes.fromhex(base_tree))
        if folder:
            mode, oid = folders[folder[:-1]].get(folder[-1], (0, b""))
        tree = read_tree(repository, oid.hex()) if mode == TREE_MODE else []
        folders[folder] = {entry.name: (entry.mode, entry.oid) for entry in tree}
    return folders


def _write_folders(
    repository: pygit2.Repository,
    folders: dict[tuple[bytes, ...], _Folder],
    written: Collection[tuple[bytes, ...]],
) -> str:
    for folder in sorted((folder for folder in folders if folder), key=len, reverse=True):
        above, name = folders[folder[:-1]], folder[-1]
        if folder in written:
            continue
        if folders[folder]:
            above[name] = (TREE_MODE, bytes.fromhex(_write_folder(repository, folders[folder])))
        elif above.get(name, (0, b""))[0] == TREE_MODE:
            del above[name]
    return _write_folder(repository, folders[()])


def _write_folder(repository: pygit2.Repository, folder: _Folder) -> str:
    # Git sorts a folder as if its name ended in a slash.
    ordered = sorted(folder.items(), key=lambda item: item[0] + b"/" if item[1][0] == TREE_MODE else item[0])
    data = b"".join(b"%o %s\0%s" % (mode, name, oid) for name, (mode, oid) in ordered)
    return str(repository.odb.write(ObjectType.TREE, data))


def commit_tree(
    repository: pygit2.Repository,
    *,
    tree: str,
    parent: str | None,
    message: str,
    trailers: Mapping[str, str],
    author_name: str,
    author_email: str,
    at: datetime,
) -> str:
    """Write a commit and return its id: the same input gives the same id, on any machine.

    `parent` None: it begins a history of its own.

    Author and committer are the same, at `at` to the second, in UTC; the user's configuration does not
    apply, and nothing is signed. The trailers are the last paragraph of the message. Raises ValueError for a
    trailer that would not be read back as one.
    """
    for key, value in trailers.items():
        if not TRAILER_KEY.fullmatch(key) or not value or value != " ".join(value.split()):
            raise ValueError(f"{key}: {value!r} is not a trailer of one line")
    if not message.strip() or "\0" in message or at.tzinfo is None:
        raise ValueError("a commit needs a message, without NUL, and an aware time")
    body = "\n".join(line.rstrip() for line in message.strip().splitlines())
    block = "\n".join(f"{key}: {value}" for key, value in trailers.items())
    signature = pygit2.Signature(author_name, author_email, int(at.timestamp()), 0, "utf-8")
    text = "\n\n".join(part for part in (body, block) if part) + "\n"
    who = b"%s <%s> %d +0000" % (signature.raw_name, signature.raw_email, signature.time)
    headers = [
        b"tree " + tree.encode(),
        *([b"parent " + parent.encode()] if parent else []),
        b"author " + who,
        b"committer " + who,
    ]
    # Written as it is: libgit2's own way refuses a parent whose signature is odd.
    data = b"\n".join([*headers, b"", text.encode()])
    return str(repository.odb.write(ObjectType.COMMIT, data))
