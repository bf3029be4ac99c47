import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from models.connection import ApiType, ConnectionKind
from models.errors import InvalidInput
from services.connections.matching import schemes_of
from services.connections.repository_urls import Location, location_of, refuse_user

LONGEST_SECRET: Final = 16_384
_LONGEST_HOSTS: Final = 65_536
_TOKEN: Final = re.compile(r"[!-~]+")
_USERNAME: Final = re.compile(r"[!-9;-~]{1,255}")
_HOST_LINE: Final = re.compile(
    r"(?:@(?:cert-authority|revoked) )?[!-~]+ [a-z0-9@.-]+ (?P<key>[A-Za-z0-9+/=]+)(?: .*)?"
)


def check_url_prefix(url: str, kind: ConnectionKind) -> Location:
    """Return where a prefix leads; raise InvalidInput("url_prefix") for one that the kind cannot reach."""
    refuse_user(url, field="url_prefix")
    location = location_of(url, field="url_prefix")
    if location.scheme not in schemes_of(kind):
        raise InvalidInput(
            "url_prefix", f"A connection of kind {kind} has a prefix that begins with {_examples(kind)}."
        )
    return location


def check_username(username: str | None, kind: ConnectionKind, prefix: Location) -> str | None:
    """Return a user name as credentials carry it, None for none; raise InvalidInput("username")."""
    if username and not _USERNAME.fullmatch(username):
        raise InvalidInput("username", "A user name is 1 to 255 visible ASCII characters without ':'.")
    if kind is ConnectionKind.SSH and username and prefix.user not in {None, username}:
        raise InvalidInput(
            "username", f"The prefix names the user {prefix.user!r}; name the same one, or none."
        )
    return username or (prefix.user if kind is ConnectionKind.SSH else None)


def check_secret(secret: str, kind: ConnectionKind) -> str:
    """Return a token, or a private key as OpenSSH reads it; raise InvalidInput("secret") without it."""
    if len(secret) > LONGEST_SECRET:
        raise InvalidInput("secret", f"A secret has up to {LONGEST_SECRET:,} characters.")
    if kind is ConnectionKind.SSH:
        return _private_key(secret)
    token = secret.strip()
    if not _TOKEN.fullmatch(token):
        raise InvalidInput("secret", "A token is visible ASCII characters, without spaces or line breaks.")
    return token


def check_known_hosts(lines: str | None, kind: ConnectionKind) -> str | None:
    """Return the host keys to trust as OpenSSH's known_hosts has them; None for a kind that has none.

    Raises InvalidInput("known_hosts") for ssh without any, and for a line that is no host key.
    """
    if kind is not ConnectionKind.SSH:
        return None
    kept = [line.strip() for line in (lines or "").splitlines()]
    kept = [line for line in kept if line and not line.startswith("#")]
    if not kept or len(lines or "") > _LONGEST_HOSTS:
        raise InvalidInput(
            "known_hosts", "Give the host's keys, so that no other host is trusted: ssh-keyscan -p PORT HOST"
        )
    for number, line in enumerate(kept, start=1):
        if not _is_host_key(line):
            raise InvalidInput("known_hosts", f"Line {number} is no host key as ssh-keyscan prints it.")
    return "\n".join(kept) + "\n"


def check_api(kind: str | None, url: str | None) -> Mapping[str, str | None]:
    """Return the columns of a host's API; raise InvalidInput where it is not whole or no https."""
    if not kind and not url:
        return {"api_type": None, "api_url": None}
    if kind not in [*ApiType] or not url:
        raise InvalidInput(
            "api", f"Name the type of the API, {' or '.join(ApiType)}, and its URL; or neither."
        )
    refuse_user(url, field="api.url")
    if location_of(url, field="api.url").scheme != "https":
        raise InvalidInput(
            "api.url", "The URL of an API begins with https://, such as https://api.github.com"
        )
    return {"api_type": kind, "api_url": url.rstrip("/")}


def _is_host_key(line: str) -> bool:
    parts = _HOST_LINE.fullmatch(line)
    try:
        return parts is not None and bool(base64.b64decode(parts["key"], validate=True))
    except binascii.Error:
        return False


def _private_key(secret: str) -> str:
    key = secret.replace("\r\n", "\n").strip() + "\n"
    try:
        load_ssh_private_key(key.encode(), password=None)
    except Exception:  # noqa: BLE001 # whatever a parser says of a key may quote it
        raise InvalidInput(
            "secret",
            "This is no private key in OpenSSH's form without a passphrase. Convert a copy of yours with: "
            "ssh-keygen -p -N '' -f KEY",
        ) from None
    return key


def _examples(kind: ConnectionKind) -> str:
    match kind:
        case ConnectionKind.HTTPS:
            return "https://host/"
        case ConnectionKind.SSH:
            return "ssh://host/ or user@host:path"
        case ConnectionKind.FILE:
            return "'/', the path of a folder"
        case ConnectionKind.MACHINE:
            return "https://host/, ssh://host/ or user@host:path"
