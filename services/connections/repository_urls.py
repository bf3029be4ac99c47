import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from models.errors import InvalidInput
from services.repositories.locations import PORTS
from services.repositories.paths import CONTROL

_SCP_LIKE: Final = re.compile(
    r"(?:(?P<user>[^\s@:/]+)@)?(?P<host>[^\s@:/\[\]]+|\[[0-9a-fA-F:.]+\]):(?P<path>[^:].*)"
)
_HOST: Final = re.compile(r"[a-z0-9._-]+")
_ENCODED: Final = re.compile(r"%[0-9a-fA-F]{2}")
_SUFFIX: Final = ".git"


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where a URL leads, normalised: equal repositories have equal locations, however they are written.

    `host` with its port, unless that is the scheme's own; empty for `file`. `segments`: the path's, decoded,
    without `.` and `..`.
    """

    scheme: str
    host: str
    segments: tuple[str, ...]
    user: str | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """The segments without the `.git` that git itself tries where it is left out."""
        *folders, last = self.segments or ("",)
        name = last.removesuffix(_SUFFIX)
        return (*folders, name) if name else tuple(folders)

    @property
    def is_one_repository(self) -> bool:
        """Whether the URL names one repository by `.git`, and no folder of repositories."""
        return bool(self.segments) and self.segments[-1].endswith(_SUFFIX)

    @property
    def text(self) -> str:
        """The URL in its one form; for `file` an absolute path."""
        path = "/" + "/".join(self.segments)
        if self.scheme == "file":
            return path
        return f"{self.scheme}://{f'{self.user}@' if self.user else ''}{self.host}{quote(path, safe='/~')}"

    def is_under(self, prefix: "Location") -> bool:
        """Return whether this is the prefix's own repository, or lies under it by whole path segments."""
        if (self.scheme, self.host) != (prefix.scheme, prefix.host):
            return False
        depth = len(prefix.path)
        return self.path[:depth] == prefix.path and not (prefix.is_one_repository and len(self.path) > depth)


def location_of(url: str, *, field: str = "repository_url") -> Location:
    """Return where a repository's URL, or a prefix of such URLs, leads; pure: nothing is contacted.

    Raises InvalidInput for the field where programs could disagree about what the URL means. The user of an
    https URL is left out; `refuse_user` refuses one.
    """
    if CONTROL.search(url):
        raise InvalidInput(field, "A repository URL holds no control characters.")
    scheme, separator, rest = url.partition("://")
    match scheme.lower() if separator else "":
        case "" if url.startswith("/"):
            return Location(scheme="file", host="", segments=_without_dots(url.split("/"), field))
        case "file" if rest.startswith("/"):
            return Location(scheme="file", host="", segments=_without_dots(unquote(rest).split("/"), field))
        case "https" | "ssh" as known:
            return _remote(known, url, field)
        case "" if parts := _SCP_LIKE.fullmatch(url):
            host = _host(parts["host"].strip("[]"), None, "ssh", field)
            segments = _without_dots(_checked(parts["path"].split("/"), field), field)
            return Location(scheme="ssh", host=host, segments=segments, user=_user(parts["user"], field))
    raise InvalidInput(
        field,
        "Use https://host/path, ssh://user@host/path, user@host:path, or a path under an allowed root.",
    )


def refuse_user(url: str, *, field: str = "repository_url") -> None:
    """Raise InvalidInput for a URL that holds a password, or a user where a connection has to say it."""
    scheme, separator, rest = url.partition("://")
    user, at, _ = rest.split("/", 1)[0].rpartition("@")
    if separator and at and (scheme.lower() == "https" or ":" in user):
        raise InvalidInput(
            field,
            "A repository URL holds no user name, password or token, because it is stored and shown. "
            "Leave them out: a connection of the workspace holds them.",
        )


def _remote(scheme: str, url: str, field: str) -> Location:
    parts = _split(url, field)
    if re.search(r"[\s\\?#]", url):
        raise InvalidInput(field, "A repository URL has no spaces, no backslash, no '?' and no '#'.")
    segments = _checked([unquote(part) for part in parts.path.split("/")], field)
    return Location(
        scheme=scheme,
        host=_host(parts.hostname or "", parts.port, scheme, field),
        segments=_without_dots(segments, field),
        user=_user(parts.username, field) if scheme == "ssh" else None,
    )


def _split(url: str, field: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise InvalidInput(field, "This is not a URL. Use https://host/path or user@host:path.") from None
    if parts.netloc.count("@") > 1:
        raise InvalidInput(field, "A repository URL has one '@' at most.")
    return parts


def _user(name: str | None, field: str) -> str | None:
    if name and not re.fullmatch(r"[A-Za-z0-9._][A-Za-z0-9._-]*", name):
        raise InvalidInput(field, "The user of an ssh URL has letters, digits, '.', '_' and '-'.")
    return name or None


def _host(name: str, port: int | None, scheme: str, field: str) -> str:
    host = _address(name) or name.lower().rstrip(".")
    if not host.startswith("[") and (not _HOST.fullmatch(host) or host.startswith("-")):
        raise InvalidInput(
            field, "This URL names no host. A host has letters, digits, '.' and '-' (xn--… for others)."
        )
    return host if port in {None, PORTS[scheme]} else f"{host}:{port}"


def _address(name: str) -> str | None:
    """Return an IPv6 address in its one form, in brackets; None for everything else."""
    try:
        return f"[{ipaddress.IPv6Address(name)}]"
    except ValueError:
        return None


def _checked(segments: Sequence[str], field: str) -> Sequence[str]:
    for segment in segments:
        if re.search(r"[/\\]", segment) or CONTROL.search(segment) or _ENCODED.search(segment):
            raise InvalidInput(
                field, "A path in a repository URL encodes no slash, no backslash and nothing twice."
            )
    return segments


def _without_dots(segments: Sequence[str], field: str) -> tuple[str, ...]:
    inner = segments[1:] if segments[:1] == [""] else segments
    has_dots = any(segment in {".", ".."} for segment in inner)
    if has_dots and "" in inner[:-1]:
        # A file system reads `a//..` as nothing, RFC 3986 as `a/`.
        raise InvalidInput(field, "A repository URL does not mix '..' with empty folders ('//').")
    kept: list[str] = []
    for segment in inner:
        if segment == "..":
            if not kept:
                raise InvalidInput(field, "A repository URL does not lead above its root with '..'.")
            kept.pop()
        elif segment not in {"", "."}:
            kept.append(segment)
    return tuple(kept)
