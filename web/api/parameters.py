import re
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from flask import request

from models.errors import InvalidInput, NotFound
from web.queries.keyset import LARGEST_PAGE, PAGE_SIZE

Choice = TypeVar("Choice", bound=StrEnum)

_CANONICAL_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VISIBLE_ASCII = re.compile(r"[!-~]{1,255}")


def canonical_id(given: str) -> UUID:
    """Read an id; one that is malformed is as missing as any other that names nothing."""
    if not _CANONICAL_ID.fullmatch(given):
        raise NotFound
    return UUID(given)


def limit() -> int:
    """Return how many items a page of the list shall have."""
    given = request.args.get("limit")
    if given is None:
        return PAGE_SIZE
    if not re.fullmatch(r"[0-9]{1,3}", given, re.ASCII) or not 1 <= int(given) <= LARGEST_PAGE:
        raise InvalidInput("limit", f"limit: a whole number from 1 to {LARGEST_PAGE}.")
    return int(given)


def after() -> str | None:
    """Return the cursor of the page that is asked for; None for the first."""
    return request.args.get("after")


def choice(name: str, known: type[Choice]) -> Choice | None:
    """Return a filter's value; raise InvalidInput naming the filter for one that does not exist."""
    given = request.args.get(name)
    if not given:
        return None
    if given not in [*known]:
        raise InvalidInput(name, f"{name}: there is no {given!r}. Use one of: {', '.join(known)}.")
    return known(given)


def idempotency_key() -> str | None:
    """Return the request's Idempotency-Key; None where there is none."""
    given = request.headers.get("Idempotency-Key")
    if given is not None and not _VISIBLE_ASCII.fullmatch(given):
        raise InvalidInput(
            "Idempotency-Key", "Idempotency-Key: 1 to 255 visible ASCII characters, without spaces."
        )
    return given
