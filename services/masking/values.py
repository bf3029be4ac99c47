import re
from collections.abc import Mapping
from typing import Final

from services.masking.keys import MASK

# Where the kind alone could begin inside a longer word: not after a letter or digit, save one of an escape.
_START = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))"

# Tokens by their makers' own marks. A JWT stops where another could begin: else each of many would look for
# the dot at the end of them all.
TOKENS: Final[Mapping[str, str]] = {
    "github": r"gh[a-z]_[A-Za-z0-9]{16,}",
    "github, fine-grained": r"github_pat_\w{16,}",
    "gitlab": r"glpat-[\w-]{16,}",
    "slack": rf"{_START}xox[a-z]-[\w-]{{10,}}",
    "aws": rf"AKIA[A-Z0-9]{{12,}}|{_START}ASIA[A-Z0-9]{{12,}}",
    "bitbucket": r"ATBB\w{16,}",
    "google": rf"{_START}AIza[\w-]{{30,}}",
    "openai, stripe": rf"{_START}sk[-_][\w-]{{20,}}",
    "npm": rf"{_START}npm_\w{{30,}}",
    "vault": rf"{_START}hvs\.[\w-]{{20,}}",
    "jwt": r"eyJ(?:(?!eyJ[\w-]{8})[\w-]){8,}\.[\w-]{4,}(?:\.[\w-]*)*",
    "operationrun": rf"{_START}opr_[\w-]{{20,}}",
}
_TOKEN = re.compile("|".join(TOKENS.values()))
_BEARER = re.compile(r"\b(?P<scheme>bearer\s{1,5})[\w.~+/=-]{16,}", re.IGNORECASE)
_USER_INFO = re.compile(r"://[^\s/@:'\"]{0,64}:[^\s@'\"]{1,256}@")


def mask_values(text: str, mask: str = MASK) -> str:
    """Mask what is a secret by its form: tokens of well-known makers and our own, passwords in URLs."""
    text = _BEARER.sub(rf"\g<scheme>{mask}", _TOKEN.sub(mask, text))
    return _USER_INFO.sub(f"://{mask}@", text)


def holds_secret(text: str) -> bool:
    """Return whether mask_values would mask something."""
    return any(pattern.search(text) for pattern in (_TOKEN, _BEARER, _USER_INFO))


def looks_like_token(text: str) -> bool:
    """Return whether a text holds a token of a well-known maker."""
    return _TOKEN.search(text) is not None
