from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from models.base import Json
from services.configuration.parsing import Parsed
from services.inventory.reader import ItemReader, kind_of
from services.repositories.diff import TreeChange
from services.repositories.objects import EntryGroup, is_file
from services.repositories.paths import is_dangerous, may_be_dangerous


class Note(StrEnum):
    """What a review says of a single item."""

    UNPARSED = "unparsed"
    OVERSIZED = "oversized"
    UTF16 = "utf16"
    LINK = "link"
    UNSAFE = "unsafe"


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What an environment holds at one commit: how many items of which kind, and the paths with a note.

    The paths are in Git's order; a submodule counts as a link.
    """

    counts: Counter[str]
    paths: Mapping[Note, Sequence[str]]

    @property
    def items(self) -> int:
        """The number of items."""
        return self.counts.total()

    def by_kind(self) -> list[Json]:
        """Return the review's section: the kinds, the most frequent first."""
        ordered = sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return [{"kind": kind, "items": count} for kind, count in ordered]

    def changed(self, changes: Iterable[TreeChange], reader: ItemReader) -> "Inventory":
        """Return the inventory of the tree that the changes make of this one's."""
        counts = Counter(self.counts)
        old = [entry for change in changes if (entry := change.old)]
        new = [entry for change in changes if (entry := change.new)]
        counts.subtract(map(reader.kind, old))
        counts.update(map(reader.kind, new))
        touched = {entry.path for entry in (*old, *new)}
        found = {note: [path for path in paths if path not in touched] for note, paths in self.paths.items()}
        for entry in new:
            for note in (*_notes(entry.mode, reader.facts(entry)), *_notes_of_path(entry.path)):
                found[note].append(entry.path)
        return Inventory(
            counts=+counts, paths={note: sorted(paths, key=_bytes) for note, paths in found.items()}
        )


def take_inventory(
    groups: Iterable[EntryGroup], reader: ItemReader, *, check_cancelled: Callable[[], None]
) -> Inventory:
    """Return the inventory of a tree, reading what is not known yet."""
    counts = Counter[str]()
    found: dict[Note, list[str]] = {note: [] for note in Note}
    for group in groups:
        check_cancelled()
        known = reader.facts_of_group(group)
        counted = Counter(known)
        for facts, count in counted.items():
            counts[kind_of(group.path(b""), facts, reader.prefix)] += count
        # Most groups hold nothing of note: they are not gone through name by name.
        suspect = may_be_dangerous(group.folder + b"/".join(name for name, _ in group.names))
        if suspect or any(_notes(group.mode, facts) for facts in counted):
            for (name, _), facts in zip(group.names, known, strict=True):
                path = group.path(name)
                for note in (*_notes(group.mode, facts), *_notes_of_path(path)):
                    found[note].append(path)
    return Inventory(counts=counts, paths=found)


def _notes(mode: int, facts: Parsed | None) -> list[Note]:
    if facts is None:
        return [Note.OVERSIZED if is_file(mode) else Note.LINK]
    return [
        *([Note.UNPARSED] if facts.error else []),
        *([Note.UTF16] if facts.encoding == "utf-16" else []),
    ]


def _notes_of_path(path: str) -> list[Note]:
    return [Note.UNSAFE] if is_dangerous(path) else []


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
