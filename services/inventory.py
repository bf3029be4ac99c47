from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import pygit2

from models.base import Json
from services.documents import Document, read_document
from services.item_facts import ItemFacts
from services.repositories.objects import Entry, read_blob


class Item(NamedTuple):
    """One item of an environment: an entry of the tree, its kind, and what is known of its content.

    `document` is None for a link or a submodule, and for a file over the size limit.
    """

    entry: Entry
    kind: str
    document: Document | None


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """Every item of an environment at one commit, by path, in Git's order."""

    items: Mapping[str, Item] = field(default_factory=dict)

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """The items by kind."""
        return Counter(item.kind for item in self.items.values())

    def by_kind(self) -> list[Json]:
        """Return the review's section: the kinds, the most frequent first."""
        ordered = sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return [{"kind": kind, "items": count} for kind, count in ordered]

    def unparsed(self) -> list[str]:
        """Return the paths of the files that do not parse."""
        return [path for path, item in self.items.items() if item.document and item.document.error]


def take_inventory(
    repository: pygit2.Repository,
    entries: Sequence[Entry],
    *,
    prefix: str,
    limit: int,
    facts: ItemFacts,
    beat: Callable[[], None],
) -> Inventory:
    """Know every entry's content, reading what is new; `limit` is the size in bytes that is not read."""
    items = {}
    for entry in entries:
        beat()
        document = None
        if entry.is_blob:
            document = facts.known(entry.oid, entry.path)
            if document is None:
                document = facts.learn(entry.oid, entry.path, _read(repository, entry, limit=limit))
        items[entry.path] = _item(entry, document, prefix)
    return Inventory(items=items)


def read_item(repository: pygit2.Repository, entry: Entry, *, prefix: str, limit: int) -> Item:
    """Read one entry: its kind is the file's own, else its first folder under the prefix."""
    return _item(entry, _read(repository, entry, limit=limit) if entry.is_blob else None, prefix)


def _read(repository: pygit2.Repository, entry: Entry, *, limit: int) -> Document | None:
    content = read_blob(repository, entry.oid, limit=limit)
    return None if content is None else read_document(entry.path, content)


def _item(entry: Entry, document: Document | None, prefix: str) -> Item:
    kind = (document.kind if document else None) or _folder(entry.path, prefix)
    return Item(entry=entry, kind=kind, document=document)


def _folder(path: str, prefix: str) -> str:
    within = path.removeprefix(f"{prefix}/") if prefix else path
    folder, slash, _ = within.partition("/")
    return folder if slash else "(top level)"
