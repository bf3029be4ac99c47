import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from models.errors import InvalidInput

# For every text that a person gives for git: a URL, a ref, a folder.
LONGEST: Final = 2048
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")

# The signs that HFS reads past: of no width, of direction, of byte order.
_IGNORED: Final = rb"(?:\xe2\x80[\x8c-\x8f\xaa-\xae]|\xe2\x81[\xaa-\xaf]|\xef\xbb\xbf)*"
_HFS_GIT: Final = re.compile(
    _IGNORED + b"".join(b"[%s]%s" % (sign, _IGNORED) for sign in (b".", b"gG", b"iI", b"tT"))
)
_NTFS_GIT: Final = re.compile(rb"(?:\.git|git~1)[. ]*(?::.*)?", re.IGNORECASE | re.DOTALL)
_SUSPECT: Final = re.compile(rb"(?i)git|\.\.|(?:^|/)\.?(?:/|\Z)|[\xe2\xef][\x80\x81\xbb]")


def check_path_prefix(prefix: str) -> str:
    """Return an environment's folder without slashes around it, '' for the whole tree.

    Raises InvalidInput for what is no path inside a repository.
    """
    bare = prefix.strip("/")
    if CONTROL.search(bare) or len(bare) > LONGEST:
        raise InvalidInput(
            "path_prefix", f"A path prefix has up to {LONGEST} characters, none of them control characters."
        )
    if bare and is_dangerous(bare):
        raise InvalidInput("path_prefix", "Name a folder inside the repository, without '.', '..' or '.git'.")
    return bare


def is_dangerous(path: str) -> bool:
    """Return whether Git refuses a path on some system, or a backslash in it leads upwards on Windows.

    Dangerous are empty names, `.`, `..`, and each spelling of `.git`: in any case, as NTFS reads it (`git~1`,
    a space, a dot or a stream behind it, a backslash before it) and as HFS does (signs of no width in it).
    These are the rules of Git's verify_path with core.protectNTFS and core.protectHFS. `.gitmodules` and its
    like are not dangerous.
    """
    data = path_bytes(path)
    return may_be_dangerous(data) and any(map(_is_dangerous_name, data.split(b"/")))


def may_be_dangerous(paths: bytes) -> bool:
    """Return False, quickly, where no path among some that are joined by slashes is dangerous."""
    return _SUSPECT.search(paths) is not None


def _is_dangerous_name(name: bytes) -> bool:
    if name in {b"", b"."} or _is_git_folder_of_hfs(name):
        return True
    return any(part == b".." or _NTFS_GIT.fullmatch(part) for part in name.split(b"\\"))


def _is_git_folder_of_hfs(name: bytes) -> bool:
    found = _HFS_GIT.match(name)
    # As git does: a name ends where it is no UTF-8 any more.
    return found is not None and not _starts_with_character(name[found.end() :])


def _starts_with_character(data: bytes) -> bool:
    first = data[:4].decode("utf-8", "replace")[:1]
    return first not in {"", "\ufffe", "\uffff"} and (first != "\ufffd" or data.startswith(b"\xef\xbf\xbd"))


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
