import pygit2

from services.configuration.documents import Document, document_of, read_document
from services.configuration.parsing import Structure, parse_structure
from services.inventory.facts_cache import ItemFacts, fact_key, fact_keys
from services.repositories.objects import Entry, EntryGroup, is_file, read_blob


class ItemReader:
    """Reads the items of an environment, and knows again what it has read of a content before.

    `prefix` is the environment's; a file of more than `limit` bytes is not read.
    """

    def __init__(self, repository: pygit2.Repository, facts: ItemFacts, *, prefix: str, limit: int) -> None:
        self.prefix = prefix
        self.limit = limit
        self._repository = repository
        self._facts = facts
        self._read: dict[bytes, Document] = {}

    def structure(self, entry: Entry) -> Structure | None:
        """Read an item as values; None for what is no text, no file, or over the limit."""
        content = self._content(entry)
        if content is None:
            return None
        structure = parse_structure(entry.path, content)
        key = fact_key(entry.oid, entry.path)
        # Parsed once: most files tell by their values what read_document would.
        if structure and not self._facts.get(key) and (told := document_of(entry.path, content, structure)):
            self._read[key] = told
        return structure

    def document(self, entry: Entry) -> Document | None:
        """Return what is known of an item's content, reading it if need be; None where it has none."""
        if not entry.is_blob:
            return None
        key = fact_key(entry.oid, entry.path)
        document = self._read.get(key) or self._facts.get(key)
        if document is None and (content := self._content(entry)) is not None:
            document = self._read[key] = read_document(entry.path, content)
        return document

    def documents(self, run: EntryGroup) -> list[Document | None]:
        """Return what is known of neighbours' contents, as `document` does."""
        if not is_file(run.mode):
            return [None] * len(run.names)
        known = [*map(self._facts.get, fact_keys(run.folder, run.names))]
        if None not in known:
            return known
        return [
            document or self.document(Entry(run.path(name), run.mode, oid.hex()))
            for document, (name, oid) in zip(known, run.names, strict=True)
        ]

    def kind(self, entry: Entry) -> str:
        """Return an item's kind: the file's own, else its first folder under the prefix."""
        return kind_of(entry.path, self.document(entry), self.prefix)

    def save(self, *, items: int) -> None:
        """Keep what was learned of contents for the next review of an environment of so many items."""
        self._facts.save(self._read, items=items)

    def _content(self, entry: Entry) -> bytes | None:
        return read_blob(self._repository, entry.oid, limit=self.limit) if entry.is_blob else None


def kind_of(path: str, document: Document | None, prefix: str) -> str:
    """Return the file's own word for what it is, else its first folder under the prefix."""
    if document and document.kind:
        return document.kind
    within = path.removeprefix(f"{prefix}/") if prefix else path
    folder, slash, _ = within.partition("/")
    return folder if slash else "(top level)"
