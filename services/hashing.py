import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

SECRET_BYTES: Final = 32  # 43 characters, url-safe


def sha256_of(text: str) -> str:
    """Return the sha256 of any text, lone surrogates included, as 64 lowercase hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def canonical_json(value: Any) -> str:
    """Return the one JSON spelling of a value: sorted keys, no spaces; uuids and the like as strings."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def digest(facts: Mapping[str, Any]) -> str:
    """Return the sha256, in lowercase hex, of the facts' canonical JSON."""
    return sha256_of(canonical_json(facts))
