import hashlib
from typing import Final

SECRET_BYTES: Final = 32  # 43 characters, url-safe


def sha256_of(text: str) -> str:
    """Return the sha256 of any text, lone surrogates included, as 64 lowercase hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
