"""A review in one file, as a child that renders it reads it: the document, then a line per changed item."""

from collections.abc import Iterator
from typing import BinaryIO, Final

from pydantic import TypeAdapter

from services.reports.document import ChangedItem, ReviewDocument, ReviewSource

_DOCUMENT: Final = TypeAdapter(ReviewDocument)
_CHANGE: Final = TypeAdapter(ChangedItem)


def write_review(source: ReviewSource, out: BinaryIO) -> None:
    """Write a review to a file that `read_review` reads back."""
    out.write(_DOCUMENT.dump_json(source.document) + b"\n")
    out.writelines(_CHANGE.dump_json(change) + b"\n" for change in source.changes())


def read_review(file: BinaryIO) -> ReviewSource:
    """Read a review from a seekable file; each call of its `changes` reads them from there, one at a time."""
    file.seek(0)
    document = _DOCUMENT.validate_json(file.readline())
    start = file.tell()

    def changes() -> Iterator[ChangedItem]:
        position = start
        while True:
            # More than one reader may be under way.
            file.seek(position)
            line = file.readline()
            if not line:
                return
            position = file.tell()
            yield _CHANGE.validate_json(line)

    return ReviewSource(document=document, changes=changes)
