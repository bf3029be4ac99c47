import json
import os
from collections.abc import Callable
from pathlib import Path
from threading import get_ident
from typing import Final

from services.documents import Document

# Raise it when read_document would tell something else of the same bytes.
READER_VERSION: Final = 1
_FILE: Final = "item-facts.json"


class ItemFacts:
    """What is known of contents, by object id and ending, so that a content is read and parsed once.

    Kept beside the mirror: derived from it, and safe to lose. Only what the last review used is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        self._known = _load(self._path)
        self._used: dict[str, list[str | None]] = {}

    def document(self, oid: str, path: str, read: Callable[[], Document | None]) -> Document | None:
        """Return what is known of a content, reading it where nothing is; None for one that is not read."""
        key = f"{oid}.{path.rpartition('.')[2].lower()}"
        facts = self._known.get(key)
        if facts is None:
            document = read()
            if document is None:
                return None
            facts = [document.encoding, document.kind, document.error]
        self._used[key] = facts
        encoding, kind, error = facts
        return Document(encoding=encoding or "utf-8", kind=kind, error=error)

    def save(self) -> None:
        """Keep what was used, whole or not at all; where it cannot be kept, the next review reads again."""
        if self._used == self._known:
            return
        partial = self._path.with_suffix(f".{os.getpid()}-{get_ident()}.partial")
        try:
            partial.write_text(json.dumps({"reader": READER_VERSION, "facts": self._used}))
            partial.replace(self._path)
        except OSError:
            partial.unlink(missing_ok=True)


def _load(path: Path) -> dict[str, list[str | None]]:
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(kept, dict) or kept.get("reader") != READER_VERSION:
        return {}
    facts: dict[str, list[str | None]] = kept["facts"]
    return facts
