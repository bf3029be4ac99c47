import functools
import re

# What stands in the place of every secret, whatever it hides.
MASK = "••••••"

_SEPARATORS = re.compile(r"[^a-z0-9]")
_WORDS = (
    r"pass(?:word|wd|wort|phrase|code)|kennwort|secret|token"
    r"|(?:private|api|access|account|shared|master|signing|encryption|ssh)key"
    r"|connectionstring|keymaterial"
)
_INSIDE = re.compile(_WORDS)
# Not `maxTokens`: the plural of a token is counted.
_AT_END = re.compile(rf"(?:(?:{_WORDS})(?<!token)s?|token)$")
_NAME_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# Too short to be looked for inside a name.
_SHORT_WORDS = {"pass", "pwd", "pin", "psk"}
_WHOLE = {"authorization", "proxyauthorization", "credential", "credentials"}


@functools.lru_cache(maxsize=10_000)
def is_secret_key(key: str) -> bool:
    """Tell whether a key's value is to be masked: it has the word of a secret, also inside a longer name."""
    plain = _plain(key)
    return plain in _WHOLE or bool(_INSIDE.search(plain) or _ends_in_short_word(key))


@functools.lru_cache(maxsize=10_000)
def names_the_secret(key: str) -> bool:
    """Tell whether a key ends with the word, so that even a number under it is the secret itself.

    `password`, `adminPassword` and `pin` do; `passwordMinimumLength` is a setting about the secret.
    """
    return bool(_AT_END.search(_plain(key)) or _ends_in_short_word(key))


def _plain(key: str) -> str:
    return _SEPARATORS.sub("", key.lower())


def _ends_in_short_word(key: str) -> bool:
    parts = _NAME_PART.findall(key)
    return bool(parts) and parts[-1].lower() in _SHORT_WORDS
