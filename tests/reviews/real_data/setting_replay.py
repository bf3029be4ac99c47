"""A reader of changes as the API tells them, written apart from the program: path by path, on plain JSON."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

Json = dict[str, Any]
Identity = tuple[tuple[str, str], ...]
Step = str | int | Identity

MASK: Final = "••••••"
_LEFT_OUT: Final = "more characters)"
_KEY = re.compile(r"\.?([^\W\d][\w$-]*)")
_QUOTED = re.compile(r"\[(\"(?:[^\"\\]|\\.)*\")\]")
_NUMBER = re.compile(r"\[(\d+)\]")
_NAMED = re.compile(r"\[((?:[^\"\]]|\"(?:[^\"\\]|\\.)*\")+)\]")
_PAIR = re.compile(r"([^=,\s]+)=(\"(?:[^\"\\]|\\.)*\"|[^,]*)(?:, )?")


class _Unknown:
    """What was not told: masked, or cut. Equal to whatever stands there."""


@dataclass(frozen=True)
class _Anywhere:
    """An item that was added by its name: where in its list it stands is not told."""

    item: Any


UNKNOWN: Final = _Unknown()
_GONE: Final = object()


@dataclass
class Replay:
    """Applies changes to a value; `unknown` counts those whose values were masked or cut."""

    unknown: int = 0
    applied: int = field(default=0)

    def apply(self, before: Any, settings: list[Json]) -> Any:
        changes = [(steps_of(setting["path"]), setting) for setting in settings]
        self.applied += len(changes)
        return self._apply(before, changes)

    def _apply(self, value: Any, changes: list[tuple[list[Step], Json]]) -> Any:
        here = [setting for steps, setting in changes if not steps]
        if here and here[0]["change"] != "moved":
            return self._replaced(value, here[0])
        if isinstance(value, dict):
            return self._in_mapping(value, changes)
        if isinstance(value, list):
            made = self._in_list(value, [change for change in changes if change[0]])
            return self._ordered(made, here[0]["after"]) if here else made
        assert not changes, (value, changes)
        return value

    def _replaced(self, value: Any, setting: Json) -> Any:
        before, after = setting["before"], setting["after"]
        if _is_unknown(before) or _is_unknown(after):
            self.unknown += 1
            return _GONE if setting["change"] == "removed" else UNKNOWN
        expected = _GONE if setting["change"] == "added" else before
        assert _equal(value, expected), f"{setting['path']}: {value!r} stood there, not {before!r}"
        return _GONE if setting["change"] == "removed" else after

    def _in_mapping(self, value: Json, changes: list[tuple[list[Step], Json]]) -> Json:
        made = dict(value)
        for key in {steps[0]: None for steps, _ in changes}:
            assert isinstance(key, str)
            below = [(steps[1:], setting) for steps, setting in changes if steps[0] == key]
            made[key] = self._apply(value.get(key, _GONE), below)
            if made[key] is _GONE:
                del made[key]
        return made

    def _in_list(self, value: list[Any], changes: list[tuple[list[Step], Json]]) -> list[Any]:
        made = list(value)
        added: list[tuple[Step, Any]] = []
        for step in {steps[0]: None for steps, _ in changes}:
            below = [(steps[1:], setting) for steps, setting in changes if steps[0] == step]
            fresh = [setting for steps, setting in below if not steps and setting["change"] == "added"]
            added += [(step, self._replaced(_GONE, setting)) for setting in fresh]
            kept = [change for change in below if change[1] not in fresh]
            if kept:
                place = _place(value, step)
                made[place] = self._apply(value[place], kept)
        made = [item for item in made if item is not _GONE]
        for step, item in added:
            if isinstance(step, int):
                made.insert(step, item)
            else:
                made.append(_Anywhere(item))
        return made

    def _ordered(self, items: list[Any], order: list[Any]) -> list[Any]:
        if not isinstance(order[0], dict):
            return order
        named = [_place(items, tuple((key, str(name)) for key, name in each.items())) for each in order]
        return [items[place] for place in named] + [each for each in items if isinstance(each, _Anywhere)]


def steps_of(path: str) -> list[Step]:
    """Read a path: keys, quoted keys, items by number or by what names them."""
    steps: list[Step] = []
    position = 0
    while path != "(whole file)" and position < len(path):
        if found := _QUOTED.match(path, position):
            steps.append(json.loads(found[1]))
        elif found := _NUMBER.match(path, position):
            steps.append(int(found[1]))
        elif found := _NAMED.match(path, position):
            pairs = _PAIR.findall(found[1])
            steps.append(tuple((key, json.loads(name) if name[:1] == '"' else name) for key, name in pairs))
        else:
            found = _KEY.match(path, position)
            assert found, path[position:]
            steps.append(found[1])
        position = found.end()
    return steps


def agrees(made: Any, true: Any) -> bool:
    """Tell whether two values agree; named items that were added may stand anywhere in their list."""
    if made is UNKNOWN:
        return True
    if isinstance(made, dict) and isinstance(true, dict):
        return made.keys() == true.keys() and all(agrees(made[key], true[key]) for key in made)
    if isinstance(made, list) and isinstance(true, list):
        return _lists_agree(made, true)
    return _equal(made, true)


def _lists_agree(made: list[Any], true: list[Any]) -> bool:
    """Tell whether the items agree in their order, but for those that were added by name."""
    left, added = list(true), [each.item for each in made if isinstance(each, _Anywhere)]
    for item in added:
        place = next(
            (at for at, other in enumerate(left) if item is not UNKNOWN and agrees(item, other)), None
        )
        if place is not None:
            del left[place]
        elif item is not UNKNOWN:
            return False
    kept = [each for each in made if not isinstance(each, _Anywhere)]
    rest = iter(left)
    in_order = all(any(agrees(item, other) for other in rest) for item in kept)
    return in_order and len(left) == len(kept) + added.count(UNKNOWN)


def _place(items: list[Any], step: Step) -> int:
    if isinstance(step, int):
        return step
    assert isinstance(step, tuple)
    told = [(at, item) for at, item in enumerate(items) if not isinstance(item, _Anywhere)]
    (place,) = (at for at, item in told if all(_named(item, key) == name for key, name in step))
    return place


def _named(item: Any, dotted: str) -> str:
    for key in [dotted] if dotted.startswith("@") else dotted.split("."):
        item = item[key]
    return str(item)


def _equal(one: Any, other: Any) -> bool:
    if one is _GONE or other is _GONE:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _is_unknown(value: Any) -> bool:
    return MASK in json.dumps(value, ensure_ascii=False) or (
        isinstance(value, str) and value.endswith(_LEFT_OUT)
    )
