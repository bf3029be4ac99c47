import pygit2

from services.configuration.documents import Structure
from services.configuration.parsing import Parsed, parse
from services.inventory.facts_cache import ItemFacts, fact_key, fact_keys
from services.repositories.objects import Entry, EntryGroup, is_file, read_blob


class ItemReader:
    """Reads the items of an environment, each content once where its facts are enough.

    `prefix` is the environment's; a file of more than `limit` bytes is not read.
    """

    def __init__(self, repository: pygit2.Repository, facts: ItemFacts, *, prefix: str, limit: int) -> None:
        self.prefix = prefix
        self.limit = limit
        self._repository = repository
        self._facts = facts
        self._learned: dict[bytes, Parsed] = {}
        self._last: tuple[bytes, Structure | None] | None = None

    def structure(self, entry: Entry) -> Structure | None:
        """Read an item as values; None for what is no text, no file, or over the limit."""
        if not entry.is_blob:
            return None
        key = fact_key(entry.oid, entry.path)
        # Both sides of an item that was only moved are one content.
        if self._last is None or self._last[0] != key:
            parsed = self._parse(entry, key, values=True)
            self._last = key, parsed.values if parsed else None
        return self._last[1]

    def facts(self, entry: Entry) -> Parsed | None:
        """Return what is known of an item's content without its values, reading it if need be.

        None for a link, a submodule, and a file over the limit.
        """
        if not entry.is_blob:
            return None
        key = fact_key(entry.oid, entry.path)
        return self._known(key) or self._parse(entry, key, values=False)

    def facts_of_group(self, group: EntryGroup) -> list[Parsed | None]:
        """Return what is known of neighbours' contents, as `facts` does."""
        if not is_file(group.mode):
            return [None] * len(group.names)
        known = [*map(self._facts.get, fact_keys(group.folder, group.names))]
        if None not in known:
            return known
        return [
            facts or self.facts(Entry(group.path(name), group.mode, oid.hex()))
            for facts, (name, oid) in zip(known, group.names, strict=True)
        ]

    def kind(self, entry: Entry) -> str:
        """Return an item's kind: the file's own, else its first folder under the prefix."""
        return kind_of(entry.path, self.facts(entry), self.prefix)

    def save(self, *, items: int) -> None:
        """Keep what was learned of contents for the next review of an environment of so many items."""
        self._facts.save(self._learned, items=items)

    def _known(self, key: bytes) -> Parsed | None:
        return self._learned.get(key) or self._facts.get(key)

    def _parse(self, entry: Entry, key: bytes, *, values: bool) -> Parsed | None:
        content = read_blob(self._repository, entry.oid, limit=self.limit)
        if content is None:
            return None
        parsed = parse(entry.path, content, values=values)
        if not values:
            self._learned[key] = parsed
        elif self._known(key) is None:
            self._learned[key] = parsed.facts
        return parsed


def kind_of(path: str, facts: Parsed | None, prefix: str) -> str:
    """Return the file's own word for what it is, else its first folder under the prefix."""
    if facts and facts.kind:
        return facts.kind
    within = path.removeprefix(f"{prefix}/") if prefix else path
    folder, slash, _ = within.partition("/")
    return folder if slash else "(top level)"
