import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from services.configuration.diff import ABSENT, Operation, SettingChange
from services.configuration.documents import ReadAs, Structure
from services.configuration.paths import Item, Place, Step, render
from services.configuration.scalars import RawScalar
from services.masking.keys import MASK, is_secret_key, names_the_secret
from services.masking.text import is_flag, mask_lines, mask_text, pem_lines

_CHANGED = " (changed)"
MASK_CHANGED = f"{MASK}{_CHANGED}"
# Where a setting's key is itself a value: `{name: DB_PASSWORD, value: x}`.
_NAME_KEYS = {
    "name",
    "key",
    "id",
    "displayname",
    "settingdefinitionid",
    "omauri",
    "parameterkey",
    "@odata.type",
}
_VALUE_KEYS = {
    "value",
    "values",
    "default",
    "defaultvalue",
    "parametervalue",
    "simplesettingvalue",
    "simplesettingcollectionvalue",
}
_SECRET_DATA = {"data", "stringData"}
_NUMBERS = {"int", "float"}


class MaskLevel(IntEnum):
    """How much of a value is masked: what is secret by itself; all text; numbers too; all but null."""

    OPEN = 0
    TEXT = 1
    NUMBERS = 2
    ALL = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownChange:
    """A change as it may be shown: no secret in its path and its values; ABSENT where nothing stands."""

    path: str
    operation: Operation
    before: Any
    after: Any


def masked(value: Any, *, path: Sequence[Step] = (), document: Any = ABSENT) -> Any:
    """Return a value with its secrets masked; every mask is alike, whatever it hides.

    `path` leads to the value, by the indexes before, from `document` if given: what stands beside and above
    the value decides too. Masked is text under a key that is_secret_key (a number only where the key ends
    with the word), everything under `data` and `stringData` of a Secret, a `value` whose `name` is such a
    key, and by itself a private key in PEM, a well-known token, a password in a URL or a line of text.
    """
    return _masked(value, _Side(document, is_before=True).covers(path)[-1])


def mask_changes(changes: Iterable[SettingChange], before: Structure, after: Structure) -> list[ShownChange]:
    """Return changes as they may be shown; where both sides are masked alike, the after side says changed.

    `before` and `after` are what compare found the changes with: secret on one side is masked on both.
    """
    many = len(before.documents) != 1 or len(after.documents) != 1 or before.read_as is not after.read_as
    old, new = _side(before, many=many, is_before=True), _side(after, many=many, is_before=False)
    return [_shown(change, old, new) for change in changes]


class _Side:
    """One side of a comparison: what stands above and beside a change decides how it is covered."""

    def __init__(self, root: Any, *, is_before: bool, read_as: ReadAs = ReadAs.VALUES) -> None:
        self.root = root
        self.is_before = is_before
        self.read_as = read_as
        self._covers_of_lists: dict[int, dict[int, MaskLevel]] = {}

    def covers(self, path: Sequence[Step]) -> list[MaskLevel]:
        """Return the cover at every step of a path, that of the whole first."""
        covers = [MaskLevel.OPEN]
        value = self.root
        for step in path:
            if isinstance(step, str):
                holder = value if isinstance(value, dict) else {}
                covers.append(_below(covers[-1], holder, step))
                value = holder.get(step, ABSENT)
                continue
            index = step.before if self.is_before else step.after
            if isinstance(value, list) and index is not None:
                covers.append(max(covers[-1], self._of_list(value).get(index, MaskLevel.OPEN)))
                value = value[index]
            else:
                covers.append(covers[-1])
                value = ABSENT
        return covers

    def shown(self, change: SettingChange, cover: MaskLevel) -> Any:
        """Return the change's value on this side, masked."""
        value = change.before if self.is_before else change.after
        if self.read_as is ReadAs.VALUES or value is ABSENT:
            return _masked(value, cover)
        last = change.path[-1] if change.path else None
        if isinstance(last, Item) and last.place is Place.LINE:
            return self._lines[(last.before if self.is_before else last.after) or 0]
        return mask_lines(value)

    @functools.cached_property
    def _lines(self) -> list[str]:
        return mask_lines(self.root)

    def _of_list(self, value: list[Any]) -> dict[int, MaskLevel]:
        if self.read_as is ReadAs.LINES:
            return {}
        # The root keeps every list alive, so that an id stays one list's own.
        if id(value) not in self._covers_of_lists:
            self._covers_of_lists[id(value)] = _item_covers(value)
        return self._covers_of_lists[id(value)]


def _side(structure: Structure, *, many: bool, is_before: bool) -> _Side:
    root = list(structure.documents) if many else structure.documents[0]
    return _Side(root, is_before=is_before, read_as=structure.read_as)


def _shown(change: SettingChange, before: _Side, after: _Side) -> ShownChange:
    covers = [*map(max, before.covers(change.path), after.covers(change.path))]
    old, new = before.shown(change, covers[-1]), after.shown(change, covers[-1])
    if change.operation is Operation.CHANGED and isinstance(new, str) and old == new:
        new = f"{new}{_CHANGED}"
    path = render(_masked_step(step, cover) for step, cover in zip(change.path, covers[:-1], strict=True))
    return ShownChange(path=path, operation=change.operation, before=old, after=new)


def _masked_step(step: Step, cover: MaskLevel) -> Step:
    if isinstance(step, str):
        return _masked_key(step)
    named = tuple([(key, _masked(value, cover)) for key, value in step.identity])
    return Item(step.before, step.after, named, step.place)


@functools.lru_cache(maxsize=10_000)
def _masked_key(key: str) -> str:
    return mask_text(key)


def _masked(value: Any, cover: MaskLevel) -> Any:
    if isinstance(value, dict):
        return {_masked_key(key): _masked(inner, _below(cover, value, key)) for key, inner in value.items()}
    if isinstance(value, list):
        covers = _item_covers(value)
        return [_masked(item, max(cover, covers.get(index, cover))) for index, item in enumerate(value)]
    if value is None or value is ABSENT:
        return value
    if isinstance(value, RawScalar):
        return _masked_written(value, cover)
    if isinstance(value, str):
        return MASK if cover else mask_text(value)
    needed = MaskLevel.ALL if isinstance(value, bool) else MaskLevel.NUMBERS
    return MASK if cover >= needed else value


def _masked_written(value: RawScalar, cover: MaskLevel) -> Any:
    needed = (
        MaskLevel.ALL
        if value.type == "bool"
        else MaskLevel.NUMBERS
        if value.type in _NUMBERS
        else MaskLevel.TEXT
    )
    if cover >= needed:
        return MASK
    text = mask_text(value.text)
    return value if text == value.text else RawScalar(text, value.type)


def _below(cover: MaskLevel, holder: dict[str, Any], key: str) -> MaskLevel:
    """Return how the value of a key is covered, in a mapping whose own values are covered like `cover`."""
    if cover is MaskLevel.ALL or (key in _SECRET_DATA and _is_secret(holder)):
        return MaskLevel.ALL
    inherited = MaskLevel.TEXT if cover else MaskLevel.OPEN
    names = [key]
    if key.lower() in _VALUE_KEYS:
        names += [
            name for word, name in holder.items() if isinstance(name, str) and word.lower() in _NAME_KEYS
        ]
    if any(map(names_the_secret, names)):
        return MaskLevel.NUMBERS
    return MaskLevel.TEXT if any(map(is_secret_key, names)) else inherited


def _is_secret(holder: dict[str, Any]) -> bool:
    kind = holder.get("kind")
    return kind == "Secret" or (isinstance(kind, list) and "Secret" in kind)


def _item_covers(items: list[Any]) -> dict[int, MaskLevel]:
    """Return the items of a list that are covered by what stands before: lines in PEM, flags' values."""
    if str not in set(map(type, items)):
        return {}
    covers = dict.fromkeys(pem_lines(items), MaskLevel.TEXT)
    flags = [index for index, item in enumerate(items) if is_flag(item)]
    return covers | dict.fromkeys((index + 1 for index in flags), MaskLevel.NUMBERS)
