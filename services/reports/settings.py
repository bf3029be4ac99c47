import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.base import Json
from services.reports.document import Change
from services.reports.text import shortened

VALUE_LENGTH: Final = 2000

_NOT_SET: Final = "not set"
# A setting that was added had no value before; null in its row stands for that, and not for JSON's null.
_EMPTY_SIDE: Final = {"added": "before", "removed": "after"}


@dataclass(frozen=True, kw_only=True)
class WrittenSetting:
    """One changed setting, in text."""

    path: str
    before: str
    after: str


def written_settings(change: Change, *, length: int = VALUE_LENGTH) -> Sequence[WrittenSetting]:
    """Write the changed settings of an item; a value past the length is cut."""
    return [
        WrittenSetting(
            path=f"{setting.get('path')}{' (order)' if setting.get('change') == 'moved' else ''}",
            before=_side(setting, "before", length),
            after=_side(setting, "after", length),
        )
        for setting in change.settings
    ]


def value_json(setting: Json, side: str) -> str | None:
    """Write one side of a setting as JSON, so that 8 and "8" differ; None where it was not set."""
    if side not in setting or _EMPTY_SIDE.get(str(setting.get("change"))) == side:
        return None
    return json.dumps(setting[side], ensure_ascii=False, sort_keys=True)


def _side(setting: Json, side: str, length: int) -> str:
    value = value_json(setting, side)
    return _NOT_SET if value is None else shortened(value, length)
