import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from services.configuration.diff import ABSENT, ChangeKind, SettingChange
from services.configuration.documents import ReadAs, Structure
from services.configuration.paths import Item, Place, Step, render
from services.configuration.scalars import RawScalar
from services.masking.anchors import secrets_of_anchors
from services.masking.keys import MASK
from services.masking.levels import MaskLevel, item_levels, level_below
from services.masking.text import mask_lines, mask_text

_CHANGED = " (changed)"
MASK_CHANGED = f"{MASK}{_CHANGED}"
_NUMBERS = {"int", "float"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownChange:
    """A change as it may be shown: no secret in its path and its values; ABSENT on a side without one."""

    path: str
    kind: ChangeKind
    before: Any
    after: Any


def masked(value: Any, *, path: Sequence[Step] = (), document: Any = ABSENT) -> Any:
    """Return a value with its secrets masked; every mask is alike, whatever it hides.

    `path` leads to the value, by the indexes before, from `document` if given: what is beside and above the
    value decides too. Masked is text under a key that is_secret_key (a number only where the key ends
    with the word), everything under `data` and `stringData` of a Secret, a `value` whose `name` is such a
    key, and by itself a private key in PEM, a well-known token, a password in a URL or a line of text.
    """
    return _masked(value, _Side(document, is_before=True).levels(path)[-1], frozenset())


def mask_changes(changes: Iterable[SettingChange], before: Structure, after: Structure) -> list[ShownChange]:
    """Return changes as they may be shown; where both sides are masked alike, the after side says changed.

    `before` and `after` are what compare found the changes with: secret on one side is masked on both.
    """
    many = len(before.documents) != 1 or len(after.documents) != 1 or before.read_as is not after.read_as
    anchored = secrets_of_anchors(before) | secrets_of_anchors(after)
    old, new = (
        _side(each, anchored, many=many, is_before=is_before)
        for each, is_before in ((before, True), (after, False))
    )
    return [_shown(change, old, new) for change in changes]


class _Side:
    """One side of a comparison: what is above and beside a change decides its level."""

    def __init__(
        self,
        root: Any,
        *,
        is_before: bool,
        read_as: ReadAs = ReadAs.VALUES,
        anchored: frozenset[str] = frozenset(),
    ) -> None:
        self.root = root
        self.anchored = anchored
        self.is_before = is_before
        self.read_as = read_as
        self._levels_of_lists: dict[int, dict[int, MaskLevel]] = {}

    def levels(self, path: Sequence[Step]) -> list[MaskLevel]:
        """Return the level at every step of a path, that of the whole first."""
        levels = [MaskLevel.OPEN]
        value = self.root
        for step in path:
            if isinstance(step, str):
                holder = value if isinstance(value, dict) else {}
                levels.append(level_below(levels[-1], holder, step))
                value = holder.get(step, ABSENT)
                continue
            index = step.before if self.is_before else step.after
            if isinstance(value, list) and index is not None:
                levels.append(max(levels[-1], self._of_list(value).get(index, MaskLevel.OPEN)))
                value = value[index]
            else:
                levels.append(levels[-1])
                value = ABSENT
        return levels

    def shown(self, change: SettingChange, level: MaskLevel) -> Any:
        """Return the change's value on this side, masked."""
        value = change.before if self.is_before else change.after
        if self.read_as is ReadAs.VALUES or value is ABSENT:
            return _masked(value, level, self.anchored)
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
        if id(value) not in self._levels_of_lists:
            self._levels_of_lists[id(value)] = item_levels(value)
        return self._levels_of_lists[id(value)]


def _side(structure: Structure, anchored: frozenset[str], *, many: bool, is_before: bool) -> _Side:
    root = list(structure.documents) if many else structure.documents[0]
    return _Side(root, is_before=is_before, read_as=structure.read_as, anchored=anchored)


def _shown(change: SettingChange, before: _Side, after: _Side) -> ShownChange:
    levels = [*map(max, before.levels(change.path), after.levels(change.path))]
    old, new = before.shown(change, levels[-1]), after.shown(change, levels[-1])
    if change.kind is ChangeKind.CHANGED and isinstance(new, str) and old == new:
        new = f"{new}{_CHANGED}"
    steps = zip(change.path, levels[:-1], strict=True)
    path = render(_masked_step(step, level, before.anchored) for step, level in steps)
    return ShownChange(path=path, kind=change.kind, before=old, after=new)


def _masked_step(step: Step, level: MaskLevel, anchored: frozenset[str]) -> Step:
    if isinstance(step, str):
        return _masked_key(step)
    named = tuple([(key, _masked(value, level, anchored)) for key, value in step.identity])
    return Item(step.before, step.after, named, step.place)


@functools.lru_cache(maxsize=10_000)
def _masked_key(key: str) -> str:
    return mask_text(key)


def _masked(value: Any, level: MaskLevel, anchored: frozenset[str]) -> Any:
    """Return a value of a level with its secrets masked, and each text that is `anchored`."""
    if isinstance(value, dict):
        return {
            _masked_key(key): _masked(inner, level_below(level, value, key), anchored)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        levels = item_levels(value)
        return [
            _masked(item, max(level, levels.get(index, level)), anchored) for index, item in enumerate(value)
        ]
    if value is None or value is ABSENT:
        return value
    if isinstance(value, RawScalar):
        return _masked_scalar(value, MaskLevel.TEXT if value.text in anchored else level)
    if isinstance(value, str):
        return MASK if level or value in anchored else mask_text(value)
    needed = MaskLevel.ALL if isinstance(value, bool) else MaskLevel.NUMBERS
    return MASK if level >= needed else value


def _masked_scalar(value: RawScalar, level: MaskLevel) -> Any:
    needed = (
        MaskLevel.ALL
        if value.type == "bool"
        else MaskLevel.NUMBERS
        if value.type in _NUMBERS
        else MaskLevel.TEXT
    )
    if level >= needed:
        return MASK
    text = mask_text(value.text)
    return value if text == value.text else RawScalar(text, value.type)
