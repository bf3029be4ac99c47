from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import pygit2

from models.base import Json
from services.configuration.documents import Document, read_document
from services.inventory.reader import ItemReader, kind_of
from services.repositories.diff import TreeChange
from services.repositories.objects import Entry, EntryGroup, is_file, read_blob


class Item(NamedTuple):
    """One item of an environment: an entry of the tree, its kind, and what is known of its content.

    `document` is None for a link or a submodule, and for a file over the size limit.
    """

    entry: Entry
    kind: str
    document: Document | None


def read_item(repository: pygit2.Repository, entry: Entry, *, prefix: str, limit: int) -> Item:
    """Read one entry: its kind is the file's own, else its first folder under the prefix."""
    content = read_blob(repository, entry.oid, limit=limit) if entry.is_blob else None
    document = None if content is None else read_document(entry.path, content)
    return Item(entry=entry, kind=kind_of(entry.path, document, prefix), document=document)


class Note(StrEnum):
    """What a review tells of a single item."""

    UNPARSED = "unparsed"
    OVERSIZED = "oversized"
    UTF16 = "utf16"
    LINK = "link"


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What an environment holds at one commit: how many items of which kind, and the paths to be told of.

    The paths are in Git's order; a submodule is told of as a link.
    """

    counts: Counter[str]
    paths: Mapping[Note, Sequence[str]]

    @property
    def items(self) -> int:
        """How many items there are."""
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
            for note in _notes(entry.mode, reader.document(entry)):
                found[note].append(entry.path)
        return Inventory(
            counts=+counts, paths={note: sorted(paths, key=_bytes) for note, paths in found.items()}
        )


def take_inventory(
    runs: Iterable[EntryGroup], reader: ItemReader, *, check_cancelled: Callable[[], None]
) -> Inventory:
    """Know every item of a tree, reading what is not known yet."""
    counts = Counter[str]()
    found: dict[Note, list[str]] = {note: [] for note in Note}
    for run in runs:
        check_cancelled()
        documents = reader.documents(run)
        counted = Counter(documents)
        for document, count in counted.items():
            counts[kind_of(run.path(b""), document, reader.prefix)] += count
        # Only where one is to be told of, each is looked at by itself.
        if any(_notes(run.mode, document) for document in counted):
            for (name, _), document in zip(run.names, documents, strict=True):
                for note in _notes(run.mode, document):
                    found[note].append(run.path(name))
    return Inventory(counts=counts, paths=found)


def _notes(mode: int, document: Document | None) -> list[Note]:
    if document is None:
        return [Note.OVERSIZED if is_file(mode) else Note.LINK]
    return [
        *([Note.UNPARSED] if document.error else []),
        *([Note.UTF16] if document.encoding == "utf-16" else []),
    ]


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
