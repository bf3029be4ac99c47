import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from models.errors import InvalidInput

# For every text that a person gives for git: a URL, a ref, a folder.
LONGEST: Final = 2048
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def check_path_prefix(prefix: str) -> str:
    """Return an environment's folder without slashes around it, '' for the whole tree.

    Raises InvalidInput for what is no path inside a repository.
    """
    bare = prefix.strip("/")
    if bare and not all(is_path_component(part) for part in bare.split("/")):
        raise InvalidInput("path_prefix", "Name a folder inside the repository, without '.', '..' or '.git'.")
    if CONTROL.search(bare) or len(bare) > LONGEST:
        raise InvalidInput(
            "path_prefix", f"A path prefix has up to {LONGEST} characters, none of them control characters."
        )
    return bare


def is_path_component(name: str) -> bool:
    """Return whether Git allows the name in a tree."""
    return name not in {"", ".", ".."} and name.lower() != ".git"


def path_bytes(path: str) -> bytes:
    """Return a path as Git stores it; surrogates stand for the bytes that are not UTF-8."""
    return path.encode("utf-8", "surrogateescape")


def shown(path: str) -> str:
    """Return a Git path as text that PostgreSQL and JSON can hold; bytes that are not UTF-8 are escaped."""
    return path_bytes(path).decode("utf-8", "backslashreplace")


def is_text(path: str) -> bool:
    """Return whether a Git path is UTF-8, so that its shown form names it exactly."""
    return shown(path) == path


def matches(path: str, pattern: str) -> bool:
    """Return whether a pattern selects a path, as Git's pathspecs do.

    A pattern is the path itself, a folder above it, or a glob whose `*` also crosses slashes.
    """
    return path == pattern or path.startswith(pattern.rstrip("/") + "/") or fnmatchcase(path, pattern)


def selects(patterns: Iterable[str], path: str, *, prefix: str) -> bool:
    """Return whether any pattern selects a path; patterns start at the repository's root or the prefix."""
    within = path.removeprefix(f"{prefix}/") if prefix else path
    return any(matches(path, pattern) or matches(within, pattern) for pattern in patterns)
