import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from models.errors import InvalidInput
from services.masking.token_forms import looks_like_token
from services.repositories.paths import CONTROL, LONGEST
from services.repositories.routing.addresses import is_host_name
from services.repositories.routing.file_repositories import resolve_repository

_URL = "repository_url"
_SCP_LIKE = re.compile(r"(?:(?P<user>[^\s@:/]+)@)?(?P<host>[^\s@:/]+):(?P<path>[^\s:].*)")
_WAY_OUT = (
    "Use https://host/path, ssh://user@host/path, user@host:path, or a path under an allowed file root."
)
_NO_CREDENTIAL = (
    "A repository URL holds no token or password, and for https no user name, because it is stored and "
    "shown. Put them into a connection of the workspace, and write the URL without them."
)
PORTS: Final = {"https": 443, "ssh": 22}


@dataclass(frozen=True, kw_only=True)
class RemoteUrl:
    """A repository's URL for https or ssh, in parts.

    `host` is a name in lower case or an IP address. `path` begins with a slash, or in ssh's short form
    user@host:path where it is relative to the user's home.
    """

    scheme: str
    username: str | None
    host: str
    port: int
    path: str

    def written(self, username: str | None) -> str:
        """Return the URL for git with a user name, or without one."""
        user = f"{username}@" if username else ""
        if not self.path.startswith("/"):
            return f"{user}{self.host}:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{user}{host}{port}{self.path}"


def check_repository_url(url: str, *, allowed_file_roots: Sequence[Path]) -> str:
    """Return the URL of an environment's repository as given, where it is allowed; raise InvalidInput.

    Allowed are https without a user name, ssh (also as user@host:path), and file (also as an absolute path)
    under one of the roots, wherever its links lead. Does not contact the repository.
    """
    path = file_path(url)
    if path is not None:
        resolve_repository(path, borders=[allowed_file_roots])
    elif (remote := remote_url(url)).scheme == "https" and remote.username:
        raise InvalidInput(_URL, _NO_CREDENTIAL)
    return url


def file_path(url: str) -> str | None:
    """Return the absolute path that a URL names; None for a URL of a host.

    Raises InvalidInput for what no repository's URL holds.
    """
    _check_characters(url)
    if url.startswith("/"):
        return url
    scheme, separator, rest = url.partition("://")
    if not separator or scheme != "file":
        return None
    if not rest.startswith("/"):
        raise InvalidInput(_URL, "A file URL has no host: write file:///path/to/repository.")
    return unquote(rest)


def remote_url(url: str) -> RemoteUrl:
    """Return the parts of a URL for https or ssh; raise InvalidInput for any other, or one with a secret."""
    _check_characters(url)
    scheme, separator, _ = url.partition("://")
    if not separator and (match := _SCP_LIKE.fullmatch(url)):
        return _checked("ssh", match["user"], match["host"], None, match["path"])
    if scheme not in PORTS:
        raise InvalidInput(_URL, f"This kind of repository URL is not allowed. {_WAY_OUT}")
    parts = _split(url)
    if parts.password is not None or looks_like_token(parts.username or ""):
        raise InvalidInput(_URL, _NO_CREDENTIAL)
    if parts.query or parts.fragment or re.search(r"\s", url) or not parts.path.strip("/"):
        raise InvalidInput(
            _URL, f"This URL names no repository: a path, with no spaces, no '?' and no '#'. {_WAY_OUT}"
        )
    return _checked(scheme, parts.username, parts.hostname or "", parts.port, parts.path)


def _checked(scheme: str, username: str | None, host: str, port: int | None, path: str) -> RemoteUrl:
    host = host.lower()
    if not (is_host_name(host) or _is_address(host)):
        raise InvalidInput(
            _URL,
            "This URL names no host: write a name in ASCII (an international one as xn--…) or an IP address. "
            + _WAY_OUT,
        )
    if (username or "").startswith("-") or path.startswith("-"):
        raise InvalidInput(_URL, f"Neither user name nor path starts with '-'. {_WAY_OUT}")
    return RemoteUrl(
        scheme=scheme, username=username or None, host=host, port=port or PORTS[scheme], path=path
    )


def _is_address(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return not (isinstance(address, IPv6Address) and address.scope_id)


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
