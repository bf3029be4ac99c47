from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum
from itertools import islice, zip_longest
from operator import itemgetter
from typing import Any

from services.configuration.documents import ReadAs, Structure, frozen, plainly_same, same
from services.configuration.list_matching import Matching, match_lists, name_of
from services.configuration.paths import Item, Place, Step, render

MOST_CHANGES = 2_000
MOST_ORDERED = 10_000


class Absent(Enum):
    """The value of a side that has none: not the same as null."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


class ChangeKind(StrEnum):
    """What happened to a setting; `moved` is a list whose items are in another order."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingChange:
    """One difference of two structures: a value that was added or removed as a whole, or another scalar.

    `before` and `after` are values, ABSENT on the side that has none. Of a list that was moved they are its
    order: the identities of the items that both sides have, or the scalars themselves.
    """

    path: tuple[Step, ...]
    kind: ChangeKind
    before: Any
    after: Any

    @property
    def text(self) -> str:
        """The path as a person reads it, secrets in it included: mask it before it is shown."""
        return render(self.path)


def compare(before: Structure, after: Structure) -> list[SettingChange]:
    """Return what makes `after` of `before`, in the order of `before`; nothing for parts that are the same.

    Items of lists are matched as match_lists says; a list beyond its limit is one change. Past 2,000 changes,
    and where one side is read as values and the other as lines, each document is one change.
    """
    if before.read_as is not after.read_as:
        return list(_whole(before, after))
    many = _are_many(before, after)
    old, new = _root(before, many=many), _root(after, many=many)
    found = list(islice(_differences(old, new, (), _place(before, after)), MOST_CHANGES + 1))
    return found if len(found) <= MOST_CHANGES else list(_whole(before, after))


def _are_many(before: Structure, after: Structure) -> bool:
    return len(before.documents) != 1 or len(after.documents) != 1


def _root(side: Structure, *, many: bool) -> Any:
    return list(side.documents) if many else side.documents[0]


def _place(before: Structure, after: Structure) -> Place:
    if before.read_as is ReadAs.LINES:
        return Place.LINE
    return Place.DOCUMENT if _are_many(before, after) else Place.ITEM


def _whole(before: Structure, after: Structure) -> Iterator[SettingChange]:
    is_one = not _are_many(before, after)
    for number, (old, new) in enumerate(zip_longest(before.documents, after.documents, fillvalue=ABSENT)):
        step = Item(
            None if old is ABSENT else number, None if new is ABSENT else number, place=Place.DOCUMENT
        )
        if not same(old, new):
            yield _replaced((() if is_one else (step,)), old, new)


def _replaced(path: tuple[Step, ...], before: Any, after: Any) -> SettingChange:
    kind = ChangeKind.CHANGED
    if before is ABSENT or after is ABSENT:
        kind = ChangeKind.ADDED if before is ABSENT else ChangeKind.REMOVED
    return SettingChange(path=path, kind=kind, before=before, after=after)


def _differences(
    before: Any, after: Any, path: tuple[Step, ...], place: Place = Place.ITEM
) -> Iterator[SettingChange]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            other = after.get(key, ABSENT)
            if not plainly_same(value, other):
                yield from _differences(value, other, (*path, key))
        for key, value in after.items():
            if key not in before:
                yield _replaced((*path, key), ABSENT, value)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, path, place)
    elif not same(before, after):
        yield _replaced(path, before, after)


def _of_lists(
    before: list[Any], after: list[Any], path: tuple[Step, ...], place: Place
) -> Iterator[SettingChange]:
    if place is Place.ITEM and _is_another_order(before, after):
        yield SettingChange(path=path, kind=ChangeKind.MOVED, before=before, after=after)
        return
    matching = match_lists(before, after)
    if matching is None:
        yield _replaced(path, before, after)
        return
    for at, other in matching.pairs:
        old = ABSENT if at is None else before[at]
        new = ABSENT if other is None else after[other]
        if not plainly_same(old, new):
            step = Item(at, other, _identity(new if old is ABSENT else old, matching), place)
            yield from _differences(old, new, (*path, step))
    yield from _order(before, matching, path)


def _is_another_order(before: list[Any], after: list[Any]) -> bool:
    if not 1 < len(before) == len(after) <= MOST_ORDERED or not {dict, list}.isdisjoint(map(type, before)):
        return False
    return Counter(map(frozen, before)) == Counter(map(frozen, after)) and not same(before, after)


def _order(before: list[Any], matching: Matching, path: tuple[Step, ...]) -> Iterator[SettingChange]:
    if not matching.identity:
        return
    kept = [(at, other) for at, other in matching.pairs if at is not None and other is not None]
    ordered = sorted(kept, key=itemgetter(1))
    if kept != ordered:
        orders = [[dict(_identity(before[at], matching)) for at, _ in pairs] for pairs in (kept, ordered)]
        yield SettingChange(path=path, kind=ChangeKind.MOVED, before=orders[0], after=orders[1])


def _identity(item: Any, matching: Matching) -> tuple[tuple[str, str | int], ...]:
    name = name_of(item, matching.identity) or ()
    return tuple(zip(matching.identity, name, strict=True))
