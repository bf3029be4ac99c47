"""Which secret keys a web server starts with."""

from itertools import pairwise
from typing import Final

SHORTEST: Final = 32
FEWEST_DIFFERENT: Final = 10

MAKE_ONE: Final = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"

# Parts of what examples, tutorials and people in a hurry write.
_KNOWN: Final = (
    "changeme",
    "change-me",
    "change_me",
    "changethis",
    "secret",
    "password",
    "passw0rd",
    "letmein",
    "default",
    "example",
    "insecure",
    "placeholder",
    "replace",
    "qwerty",
    "operationrun",
    "your-",
    "your_",
)


def weakness_of(key: str) -> str | None:
    """Return why a key can be guessed, as the end of a sentence that begins with its setting; None if not."""
    if len(key) < SHORTEST:
        return f"has {len(key)} characters; it needs {SHORTEST} or more"
    known = next((word for word in _KNOWN if word in key.lower()), None)
    if known is not None:
        return f"contains {known!r}, which guessers try first"
    if len(set(key)) < FEWEST_DIFFERENT:
        return f"repeats {len(set(key))} characters; it needs {FEWEST_DIFFERENT} different ones or more"
    if key in (key + key)[1:-1]:
        return "repeats one part"
    if _steps(key) > len(key) // 2:
        return "is a sequence, such as abc or 123"
    return None


def _steps(key: str) -> int:
    """Count the characters that follow in order on the one before, or repeat it."""
    codes = [ord(each) for each in key]
    return sum(abs(after - before) <= 1 for before, after in pairwise(codes))
