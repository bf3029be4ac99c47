import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from models.errors import InvalidInput

Row = TypeVar("Row")


class _HasId(Protocol):
    @property
    def id(self) -> UUID: ...


Identified = TypeVar("Identified", bound=_HasId)

PAGE_SIZE = 50
LARGEST_PAGE = 200
LARGEST_POSITION = 2**31 - 1  # of PostgreSQL's type integer


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
    if not (given.isascii() and given.isdigit() and len(given) <= len(str(LARGEST_POSITION))):
        raise malformed_cursor()
    return min(int(given), LARGEST_POSITION)


def malformed_cursor() -> InvalidInput:
    """Return the error of a cursor that no list gave out."""
    return InvalidInput(
        "after", "after: not a cursor of this list. Leave it out to start from the beginning."
    )


def page_of_all(found: Sequence[Identified], after: str | None, limit: int) -> "Page[Identified]":
    """Return a page of a list that was read whole; its cursor is the id of the last row."""
    start = 0
    if after is not None:
        place = next((place for place, row in enumerate(found, 1) if str(row.id) == after), None)
        if place is None:
            raise malformed_cursor()
        start = place
    return page_of(found[start : start + limit + 1], limit, lambda last: str(last.id))


def page_of(found: Sequence[Row], limit: int, cursor_of: Callable[[Row], str]) -> Page[Row]:
    """Return a page of rows; one row more than `limit` means that a next page exists."""
    items = found[:limit]
    return Page(items=items, next=cursor_of(items[-1]) if len(found) > limit and items else None)


def searchable(given: str) -> str:
    """Return text as PostgreSQL takes it, trimmed; what it does not take becomes what matches nothing."""
    return given.encode("utf-8", "replace").decode().replace("\x00", "\ufffd").strip()


def contains(given: str) -> str:
    """Return the LIKE pattern of a text at any place, its own wildcards taken literally."""
    escaped = given.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"


def as_uuid(given: str) -> UUID | None:
    """Read a uuid; None for anything else."""
    try:
        return UUID(given)
    except ValueError:
        return None
