import json
import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from threading import get_ident
from typing import Final

from services.documents import Document

# Raise it when read_document would tell something else of the same bytes.
READER_VERSION: Final = 2
_FILE: Final = "item-facts.json"

# How much of a name decides how its content is read: as long as the longest ending.
_ENDING: Final = 5


class ItemFacts:
    """What is known of contents, by object id and ending, so that a content is read and parsed once.

    Kept beside the mirror: derived from it, and safe to lose. Only what the last review used is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        self._known = _load(self._path)
        self._used: dict[str, Document] = {}

    def known(self, oid: str, path: str) -> Document | None:
        """Return what is known of a content; None: it has to be read."""
        key = oid + path[-_ENDING:]
        document = self._known.get(key)
        if document is not None:
            self._used[key] = document
        return document

    def learn(self, oid: str, path: str, document: Document | None) -> Document | None:
        """Take in what was read of a content, and return it; what could not be read is not kept."""
        if document is not None:
            self._used[oid + path[-_ENDING:]] = document
        return document

    def save(self) -> None:
        """Keep what was used, whole or not at all; where it cannot be kept, the next review reads again."""
        if self._used == self._known:
            return
        partial = self._path.with_suffix(f".{os.getpid()}-{get_ident()}.partial")
        try:
            partial.write_text(json.dumps({"reader": READER_VERSION, "facts": _grouped(self._used)}))
            partial.replace(self._path)
        except OSError:
            partial.unlink(missing_ok=True)


def _load(path: Path) -> dict[str, Document]:
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(kept, dict) or kept.get("reader") != READER_VERSION:
        return {}
    known: dict[str, Document] = {}
    for *facts, keys in kept["facts"]:
        known |= dict.fromkeys(keys.split("\0"), Document(*facts))
    return known


def _grouped(known: Mapping[str, Document]) -> list[list[str | None]]:
    """Return each set of facts once, with the keys that share it: most contents are of few kinds."""
    groups = defaultdict[Document, list[str]](list)
    for key, document in known.items():
        groups[document].append(key)
    return [[*document, "\0".join(keys)] for document, keys in groups.items()]
