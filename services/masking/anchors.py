from collections.abc import Iterator
from typing import Any

from services.configuration.documents import Structure
from services.configuration.scalars import RawScalar
from services.masking.keys import is_secret_key
from services.masking.levels import MaskLevel, level_below


def secrets_of_anchors(structure: Structure) -> frozenset[str]:
    """Return the texts that YAML anchors name and that are secrets, wherever they stand in the file.

    A secret by its anchor's own name, or because an alias puts it under a secret's key.
    """
    if not structure.anchors:
        return frozenset()
    named = {text for name, value in structure.anchors if is_secret_key(name) for text in _texts(value)}
    anchored = {text for _, value in structure.anchors for text in _texts(value)}
    used = {text for document in structure.documents for text in _secrets(document, MaskLevel.OPEN)}
    return frozenset(named | (anchored & used))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
    elif isinstance(value, str | RawScalar):
        yield value if isinstance(value, str) else value.text


def _secrets(value: Any, level: MaskLevel) -> Iterator[str]:
    """Yield the texts under secrets' keys."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _secrets(inner, level_below(level, value, key))
    elif isinstance(value, list):
        for inner in value:
            yield from _secrets(inner, level)
    elif level:
        yield from _texts(value)
