from collections.abc import Iterable
from fnmatch import fnmatchcase


def shown(path: str) -> str:
    """Return a Git path as text that PostgreSQL and JSON can hold; bytes that are not UTF-8 are escaped."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_text(path: str) -> bool:
    """Tell whether a Git path is UTF-8, so that its shown form names it exactly."""
    return shown(path) == path


def matches(path: str, pattern: str) -> bool:
    """Tell whether a pattern selects a path, as Git's pathspecs do.

    A pattern is the path itself, a folder above it, or a glob whose `*` also crosses slashes.
    """
    return path == pattern or path.startswith(pattern.rstrip("/") + "/") or fnmatchcase(path, pattern)


def selects(patterns: Iterable[str], path: str, *, prefix: str) -> bool:
    """Tell whether any pattern selects a path, written from the repository's root or from the prefix."""
    within = path.removeprefix(f"{prefix}/") if prefix else path
    return any(matches(path, pattern) or matches(within, pattern) for pattern in patterns)
