import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from models.errors import InvalidInput

# Git opens /a/b also as /a/b.git, /a/b/.git and /a/b.git/.git.
_SUFFIXES: Final = ("", ".git", "/.git", ".git/.git")
# What makes a folder a git directory, whole or half-made, and what git reads of one.
_MARKS: Final = ("HEAD", "objects", "refs", "commondir")
_READ: Final = frozenset({"objects", "refs", "info", "reftable"})
_LONGEST_POINTER: Final = 1 << 16


def resolve_repository(path: str, *, borders: Sequence[Sequence[Path]]) -> str:
    """Return the path of a repository without links, where all that git reads of it lies within each border.

    A border is one of several folders. Symlinks, a `.git` file, `commondir`, alternates and links among its
    objects and refs lead out of none of them. Where nothing is yet, the path alone is judged.
    Raises InvalidInput.
    """
    place = follow(Path(path))
    open_folders = [[follow(folder) for folder in border] for border in borders]
    for read in _places(place):
        open_folders = [[each for each in border if read.is_relative_to(each)] for border in open_folders]
        if not all(open_folders):
            raise _outside()
    return str(place)


def follow(path: Path) -> Path:
    """Return a path without links; raise InvalidInput where they form a loop."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        raise InvalidInput("repository_url", "This path leads nowhere: its links form a loop.") from None


# A place that git reads, and what finds the places that it leads to.
_Step = tuple[Callable[[Path], Iterable["_Step"]], Path]


def _places(path: Path) -> Iterator[Path]:
    """Return the path, and each place that a link or a pointer leads to, whichever way git opens it.

    A place is returned before it is read: a caller who stops reads nothing of what lies outside.
    """
    ahead: list[_Step] = [(_file, path)]
    for candidate in (Path(f"{path}{suffix}") for suffix in _SUFFIXES):
        if candidate.is_symlink() or candidate.exists():
            ahead += [(_git_directory, candidate), *_git_file(candidate)]
    seen = set[_Step]()
    while ahead:
        find, named = ahead.pop()
        place = follow(named)
        yield place
        if (find, place) not in seen:
            seen.add((find, place))
            ahead.extend(find(place))


def _git_file(path: Path) -> Iterator[_Step]:
    for line in _lines(path):
        # Not from where a link leads to: git starts at the name that it opened.
        yield _git_directory, path.parent / line.removeprefix("gitdir:").strip()


def _git_directory(place: Path) -> Iterator[_Step]:
    if not any((place / mark).exists() for mark in _MARKS):
        return
    for line in _lines(place / "commondir"):
        yield _git_directory, place / line
    for entry in _entries(place):
        if entry.name in _READ:
            yield _folder, Path(entry.path)
        elif entry.is_symlink() and entry.name != "hooks":
            # The remote's own hooks run there; its administrator may share one folder of them.
            yield _file, Path(entry.path)


def _folder(place: Path) -> Iterator[_Step]:
    if not place.is_dir():
        return
    for line in _lines(place / "info" / "alternates"):
        yield _folder, place / line
    ahead = [place]
    while ahead:
        for entry in _entries(ahead.pop()):
            if entry.is_symlink():
                yield _folder, Path(entry.path)
            elif entry.is_dir(follow_symlinks=False):
                ahead.append(Path(entry.path))


def _file(_: Path) -> Sequence[_Step]:
    return ()


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except FileNotFoundError:
        # A temporary folder of a push that has ended.
        return
    except OSError:
        raise _outside() from None


def _lines(pointer: Path) -> Sequence[str]:
    """Return the paths that a file of git's names; raise InvalidInput for one that cannot be read as such."""
    if not pointer.is_file():
        return ()
    try:
        with pointer.open("rb") as file:
            text = os.fsdecode(file.read(_LONGEST_POINTER + 1))
    except OSError:
        raise _outside() from None
    lines = [line for line in text.split("\n") if line and not line.startswith("#")]
    # Git unquotes a path that begins with a quote; no path of ours needs one.
    if len(text) > _LONGEST_POINTER or "\0" in text or any(line.startswith('"') for line in lines):
        raise _outside()
    return lines


def _outside() -> InvalidInput:
    return InvalidInput(
        "repository_url",
        "This path, or what its repository borrows from or links to, is under no allowed file root. Move it "
        "there, or have the folder added to OPERATIONRUN_ALLOWED_FILE_ROOTS and to a connection.",
    )
