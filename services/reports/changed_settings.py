import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from models.base import Json
from services.configuration.exporter_noise import is_exporter_noise
from services.configuration.paths import render
from services.reports.document import ChangedItem
from services.text import counted, number, shortened

VALUE_LENGTH: Final = 2000
# A longer value that was added or removed takes both columns: the other one would be empty.
ALONE_LENGTH: Final = 80

_NOT_SET: Final = "not set"
# An added setting had no value before; null in its row means that, and not JSON's null.
_EMPTY_SIDE: Final = {"added": "before", "removed": "after"}


@dataclass(frozen=True, kw_only=True)
class FormattedSetting:
    """One changed setting as text; `alone` is a long value that was added or removed, or empty."""

    path: str
    before: str
    after: str
    alone: str = ""


def format_settings(change: ChangedItem, *, length: int = VALUE_LENGTH) -> Sequence[FormattedSetting]:
    """Return the changed settings of an item, without exporter noise; longer values are shortened."""
    return [_format(setting, length) for setting in change.settings if not _is_noise(setting)]


def noise_line(change: ChangedItem) -> str:
    """Return how many of an item's changes are exporter noise and only in the data; empty for none."""
    count = _noise_count(change)
    joint = "and " if count < len(change.settings) else ""
    return f"{joint}{counted(count, 'change')} of export bookkeeping, in the data" if count else ""


def count_line(change: ChangedItem) -> str:
    """Return how many settings of an item changed, exporter noise included; empty for none."""
    total, count = len(change.settings), _noise_count(change)
    apart = f", {number(count)} of export bookkeeping" if count else ""
    return f"{counted(total, 'setting')} changed{apart}" if total else ""


def value_json(setting: Json, side: str) -> str | None:
    """Return one side of a setting as JSON, so that 8 and "8" differ; None where it was not set."""
    return None if _is_unset(setting, side) else _dumped(setting[side])


def _noise_count(change: ChangedItem) -> int:
    return sum(_is_noise(setting) for setting in change.settings)


def _is_noise(setting: Json) -> bool:
    return is_exporter_noise(str(setting.get("path")))


def _format(setting: Json, length: int) -> FormattedSetting:
    path = str(setting.get("path"))
    is_order = setting.get("change") == "moved"
    before, after = _side(setting, "before", length), _side(setting, "after", length)
    return FormattedSetting(
        path=f"{path}{' (order)' if is_order else ''}",
        before=before,
        after=after,
        alone=_alone(str(setting.get("change")), before, after),
    )


def _alone(change: str, before: str, after: str) -> str:
    value = {"added": after, "removed": before}.get(change, "")
    return f"{change}: {value}" if len(value) > ALONE_LENGTH else ""


def _side(setting: Json, side: str, length: int) -> str:
    if _is_unset(setting, side):
        return _NOT_SET
    value = setting[side]
    if setting.get("change") in _EMPTY_SIDE:
        value = _bare(str(setting.get("path")), value)
    return shortened(_dumped(value), length)


def _bare(path: str, value: Any) -> Any:
    """Leave out of an added or removed value what would hide the setting in it: links, names of types."""
    if isinstance(value, list):
        return [_bare(f"{path}[{place}]", item) for place, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    below = {key: f"{path}{_joined(key)}" for key in value if not key.endswith("@odata.type")}
    kept = {key: _bare(inner, value[key]) for key, inner in below.items() if not is_exporter_noise(inner)}
    return kept or value


def _joined(key: str) -> str:
    rendered = render((key,))
    return rendered if rendered.startswith("[") else f".{rendered}"


def _is_unset(setting: Json, side: str) -> bool:
    return side not in setting or _EMPTY_SIDE.get(str(setting.get("change"))) == side


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
