from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from services.configuration.diff import ABSENT, ChangeKind, SettingChange
from services.configuration.documents import Structure
from services.configuration.list_matching import name_of
from services.configuration.paths import Item, Place


def apply(before: Structure, changes: Sequence[SettingChange]) -> Structure:
    """Return what the changes make of `before`: the structure they were found with, up to key order."""
    many = len(before.documents) != 1 or any(_is_of_documents(change) for change in changes)
    made = _applied((list(before.documents) if many else before.documents[0]), changes, 0)
    return replace(before, documents=tuple(made) if many else (made,))


def _is_of_documents(change: SettingChange) -> bool:
    first = change.path[0] if change.path else None
    return isinstance(first, Item) and first.place is Place.DOCUMENT


def _applied(value: Any, changes: Sequence[SettingChange], depth: int) -> Any:
    """Apply the changes whose paths agree with where `value` stands, `depth` steps down."""
    here = [change for change in changes if len(change.path) == depth]
    if here and here[0].kind is not ChangeKind.MOVED:
        return here[0].after
    below = [change for change in changes if len(change.path) > depth]
    if isinstance(value, dict):
        return _applied_to_keys(value, below, depth)
    if isinstance(value, list):
        return _applied_to_items(value, below, depth, here[0].after if here else None)
    return value


def _applied_to_keys(value: dict[str, Any], changes: Sequence[SettingChange], depth: int) -> dict[str, Any]:
    made = dict(value)
    groups: dict[Any, list[SettingChange]] = defaultdict(list)
    for change in changes:
        groups[change.path[depth]].append(change)
    for key, group in groups.items():
        made[key] = _applied(value.get(key), group, depth + 1)
        if made[key] is ABSENT:
            del made[key]
    return made


def _applied_to_items(
    value: list[Any], changes: Sequence[SettingChange], depth: int, order: list[Any] | None
) -> list[Any]:
    """Change and remove by where items stood before, then order them, then add where they stand after."""
    groups: dict[int, list[SettingChange]] = defaultdict(list)
    added: dict[int, Any] = {}
    for change in changes:
        step = change.path[depth]
        if isinstance(step, Item) and step.before is not None:
            groups[step.before].append(change)
        elif isinstance(step, Item) and step.after is not None:
            added[step.after] = change.after
    made = [_applied(item, groups.get(index, ()), depth + 1) for index, item in enumerate(value)]
    made = _ordered([item for item in made if item is not ABSENT], order)
    for index in sorted(added):
        made.insert(index, added[index])
    return made


def _ordered(items: list[Any], order: list[Any] | None) -> list[Any]:
    if not order:
        return items
    if not isinstance(order[0], dict):
        return order
    identity = tuple(order[0])
    named = {name_of(item, identity): item for item in items}
    return [named[tuple(name.values())] for name in order]
