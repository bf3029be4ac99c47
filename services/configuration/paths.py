import json
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

_PLAIN_KEY = re.compile(r"[^\W\d][\w$-]*")
_PLAIN_IDENTITY = re.compile(r"[^\s\"\[\],=][^\"\[\],=]*")


class Place(StrEnum):
    """What a list holds: a value's items, a file's documents, or a text's lines."""

    ITEM = "item"
    DOCUMENT = "document"
    LINE = "line"


class Item(NamedTuple):
    """A step into a list: the item's index before and after, None on a side without it.

    `identity` names the item in its list by keys of its own, with dots between nested ones; empty where the
    list is compared by position.
    """

    before: int | None
    after: int | None
    identity: tuple[tuple[str, str | int], ...] = ()
    place: Place = Place.ITEM


# A key of a mapping, or an item of a list.
Step = str | Item


def render(path: Iterable[Step]) -> str:
    """Write a path as a person reads it; items and documents without identity by number.

    `settings[id=a].value`, `metadata["a.b"]`, `rules[0]` (from 0, as programs count), `document 2.spec` and
    `line 12` (from 1, as people count), `(whole file)` for the empty path.
    """
    text = ""
    for step in path:
        joint = "." if text else ""
        if isinstance(step, Item):
            text += _item(step, joint)
        else:
            text += (
                f"{joint}{step}"
                if _PLAIN_KEY.fullmatch(step)
                else f"[{json.dumps(step, ensure_ascii=False)}]"
            )
    return text or "(whole file)"


def _item(step: Item, joint: str) -> str:
    if step.identity:
        return f"[{', '.join(f'{key}={_identity(value)}' for key, value in step.identity)}]"
    number = (step.before if step.before is not None else step.after) or 0
    return f"[{number}]" if step.place is Place.ITEM else f"{joint}{step.place} {number + 1}"


def _identity(value: str | int) -> str:
    text = str(value)
    return text if _PLAIN_IDENTITY.fullmatch(text) else json.dumps(text, ensure_ascii=False)
