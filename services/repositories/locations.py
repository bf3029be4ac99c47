import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from models.errors import InvalidInput
from services.masking.token_forms import looks_like_token
from services.repositories.paths import CONTROL, LONGEST

_URL = "repository_url"
_SCP_LIKE = re.compile(r"(?:(?P<user>[^\s@:/]+)@)?(?P<host>[^\s@:/]+):(?P<path>[^\s:].*)")
_WAY_OUT = (
    "Use https://host/path, ssh://user@host/path, user@host:path, or a path under an allowed file root."
)


def check_repository_url(url: str, *, allowed_file_roots: Sequence[Path]) -> str:
    """Return the URL of an environment's repository as given, where it is allowed; raise InvalidInput.

    Allowed are https, ssh (also as user@host:path), and file (also as an absolute path) under one of the
    roots, symlinks resolved. Does not contact the repository.
    """
    locate(url, allowed_file_roots=allowed_file_roots)
    return url


def locate(url: str, *, allowed_file_roots: Sequence[Path]) -> str:
    """Return the argument that git fetches from and pushes to: the URL, or a file URL's resolved path.

    Raises InvalidInput as check_repository_url does.
    """
    _check_characters(url)
    scheme, separator, rest = url.partition("://")
    if url.startswith("/"):
        return _resolve(url, allowed_file_roots)
    if separator and scheme == "file":
        if not rest.startswith("/"):
            raise InvalidInput(_URL, "A file URL has no host: write file:///path/to/repository.")
        return _resolve(unquote(rest), allowed_file_roots)
    if separator and scheme in {"https", "ssh"}:
        _check_remote(_split(url))
    elif separator or not _is_scp_like(url):
        raise InvalidInput(_URL, f"This kind of repository URL is not allowed. {_WAY_OUT}")
    return url


def _check_characters(url: str) -> None:
    if not url or len(url) > LONGEST:
        raise InvalidInput(_URL, f"A repository URL has 1 to {LONGEST} characters. {_WAY_OUT}")
    if url.startswith("-") or CONTROL.search(url) or CONTROL.search(unquote(url)):
        raise InvalidInput(
            _URL, f"A repository URL holds no control characters and starts with no '-'. {_WAY_OUT}"
        )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise InvalidInput(_URL, f"This is not a URL. {_WAY_OUT}") from None
    return parts


def _check_remote(parts: SplitResult) -> None:
    if parts.password is not None or looks_like_token(parts.username or ""):
        raise InvalidInput(
            _URL,
            "A repository URL holds no password or token, because it is stored and shown. "
            "Set up a Git credential helper or an SSH key for the worker instead.",
        )
    if not parts.hostname or parts.hostname.startswith("-") or (parts.username or "").startswith("-"):
        raise InvalidInput(_URL, f"This URL names no host. {_WAY_OUT}")
    if parts.query or parts.fragment or re.search(r"\s", parts.geturl()) or not parts.path.strip("/"):
        raise InvalidInput(
            _URL, f"This URL names no repository: a path, with no spaces, no '?' and no '#'. {_WAY_OUT}"
        )


def _is_scp_like(url: str) -> bool:
    match = _SCP_LIKE.fullmatch(url)
    return match is not None and not any((part or "").startswith("-") for part in match.groups())


def _resolve(path: str, allowed_file_roots: Sequence[Path]) -> str:
    # Git opens /a/b also as /a/b.git, /a/b/.git and /a/b.git/.git; none of them may lead out of the root.
    bare = path.rstrip("/")
    others = [Path(f"{bare}{suffix}") for suffix in (".git", "/.git", ".git/.git")]
    roots = [root.resolve() for root in allowed_file_roots]
    resolved = [
        _follow(Path(path)),
        *(_follow(other) for other in others if other.is_symlink() or other.exists()),
    ]
    if not any(all(place.is_relative_to(root) for place in resolved) for root in roots):
        raise InvalidInput(
            _URL,
            "This path is under no allowed file root. Move the repository there, "
            "or add its folder to OPERATIONRUN_ALLOWED_FILE_ROOTS.",
        )
    return str(resolved[0])


def _follow(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        raise InvalidInput(_URL, "This path leads nowhere: its links form a loop.") from None
