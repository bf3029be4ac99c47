import json
import os
from collections import Counter
from pathlib import Path
from threading import get_ident
from typing import Any, Final

from models.base import Json
from services.inventory.facts_cache import READER_VERSION
from services.inventory.inventory import Inventory, Note
from services.inventory.reader import ItemReader

INVENTORIES_FILE: Final = "inventories.json"
# The published review's is normally among the last ones; where it is not, every item is read again.
_MOST: Final = 8


class KeptInventories:
    """The inventories of reviewed commits: from one, the next one's follows by what changed.

    Kept beside the mirror: derived from it, and safe to lose.
    """

    def __init__(self, folder: Path, reader: ItemReader) -> None:
        self._path = folder / INVENTORIES_FILE
        self._reader = reader

    def get(self, commit: str) -> Inventory | None:
        """Return the inventory of a commit; None: it is not kept."""
        for kept in self._kept():
            if kept["of"] == self._of(commit):
                paths = {Note(note): paths for note, paths in kept["paths"].items()}
                return Inventory(counts=Counter(kept["counts"]), paths=paths)
        return None

    def keep(self, commit: str, inventory: Inventory) -> None:
        """Keep a commit's inventory; where the file cannot be written, the next review takes its own."""
        of = self._of(commit)
        others = [kept for kept in self._kept() if kept["of"] != of]
        kept = [{"of": of, "counts": inventory.counts, "paths": inventory.paths}, *others]
        partial = self._path.with_suffix(f".{os.getpid()}-{get_ident()}.partial")
        try:
            partial.write_text(json.dumps(kept[:_MOST]))
            partial.replace(self._path)
        except OSError:
            partial.unlink(missing_ok=True)

    def _of(self, commit: str) -> list[Any]:
        """Return all that an inventory depends on."""
        return [READER_VERSION, [*Note], commit, self._reader.prefix, self._reader.limit]

    def _kept(self) -> list[Json]:
        try:
            kept: list[Json] = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return []
        return kept
