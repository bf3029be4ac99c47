import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from models.errors import InvalidInput

Row = TypeVar("Row")

PAGE_SIZE = 50
LARGEST_PAGE = 200
_LARGEST_INTEGER = 2**31 - 1  # of PostgreSQL's type integer


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Row]):
    """One page of a list; `next` is the cursor of the page after it, None on the last."""

    items: Sequence[Row]
    next: str | None


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """The place behind one row of a list that is ordered newest first by (time, id)."""

    at: datetime
    id: UUID

    def encode(self) -> str:
        """Return the cursor as an opaque, URL-safe string."""
        return base64.urlsafe_b64encode(f"{self.at.isoformat()}|{self.id}".encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, given: str) -> "Cursor":
        """Read a cursor back; raise InvalidInput("after") for anything that was not one."""
        try:
            text = base64.b64decode(given.encode() + b"=" * (-len(given) % 4), b"-_", validate=True).decode()
            at, _, row_id = text.partition("|")
            cursor = cls(at=datetime.fromisoformat(at), id=UUID(row_id))
        except (binascii.Error, ValueError):
            raise malformed_cursor() from None
        if cursor.at.tzinfo is None:
            raise malformed_cursor()
        return cursor


def decode_position(given: str | None) -> int:
    """Read the cursor of a list that is ordered by position; None is its beginning."""
    if given is None:
        return -1
    if not (given.isascii() and given.isdigit() and len(given) <= len(str(_LARGEST_INTEGER))):
        raise malformed_cursor()
    return min(int(given), _LARGEST_INTEGER)


def malformed_cursor() -> InvalidInput:
    """Return the error of a cursor that no list gave out."""
    return InvalidInput(
        "after", "after: not a cursor of this list. Leave it out to start from the beginning."
    )


def page_of(found: Sequence[Row], limit: int, cursor_of: Callable[[Row], str]) -> Page[Row]:
    """Make a page of rows that were read with one more than `limit`, which tells that there is a next."""
    items = found[:limit]
    return Page(items=items, next=cursor_of(items[-1]) if len(found) > limit and items else None)
