import functools
import re
from typing import Final

# The same for every secret, whatever it hides.
MASK: Final = "••••••"

# The one list of names. A space: inside a text a separator may be in its place.
_WORDS: Final = (
    r"pass(?:word|wd|wort|phrase|code)|kennwort|secret|token"
    r"|(?:private|api|access|account|shared|master|signing|encryption|ssh) key"
    r"|connection string|key material"
)
# Names of secrets only as they are, not inside a longer name.
_WHOLE: Final = {
    *("authorization", "httpauthorization", "proxyauthorization", "xauthorization"),
    *("credential", "credentials"),
}
# Too short to be looked for inside a name: names of secrets only as its last part.
_SHORT: Final = ("pass", "pwd", "pin", "psk")

_SEPARATORS = re.compile(r"[^a-z0-9]")
_PLAIN_WORDS = _WORDS.replace(" ", "")
_INSIDE = re.compile(_PLAIN_WORDS)
# Not `maxTokens`: the plural of a token is counted.
_AT_END = re.compile(rf"(?:(?:{_PLAIN_WORDS})(?<!token)s?|token)$")
_NAME_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

# What a key that is_secret_key has in it, in lowercase text; a short word where something follows it.
WORD_IN_TEXT: Final = re.compile(
    rf"{_WORDS.replace(' ', '[ _.-]?')}|authorization|credential"
    rf"|(?:{'|'.join(_SHORT)})(?=[\"']?\s{{0,9}}[:=/>]|[\"']\s)"
)


@functools.lru_cache(maxsize=10_000)
def is_secret_key(key: str) -> bool:
    """Return whether a key's value is masked: it has the word of a secret, also inside a longer name."""
    plain = _plain(key)
    return plain in _WHOLE or bool(_INSIDE.search(plain) or _ends_in_short_word(key))


@functools.lru_cache(maxsize=10_000)
def names_the_secret(key: str) -> bool:
    """Return whether a key ends with the word, so that even a number under it is the secret itself.

    `password`, `adminPassword` and `pin` do; `passwordMinimumLength` is a setting about the secret.
    """
    return bool(_AT_END.search(_plain(key)) or _ends_in_short_word(key))


def _plain(key: str) -> str:
    return _SEPARATORS.sub("", key.lower())


def _ends_in_short_word(key: str) -> bool:
    parts = _NAME_PART.findall(key)
    return bool(parts) and parts[-1].lower() in _SHORT
