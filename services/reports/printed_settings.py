import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from models.base import Json
from services.reports.changed_settings import FormattedSetting, format_settings
from services.reports.document import ChangedItem
from services.text import printable, shortened, shortened_path

# A character of a PDF takes about a hundred bytes while it is laid out, and a setting a few thousand.
CHARACTERS_PRINTED: Final = 2_000_000
PATH_LENGTH: Final = 400
# The length of a value and the number of settings of an item, from the fullest print to the shortest.
PRINTS: Final = ((400, 25), (200, 25), (100, 25), (60, 25), (60, 10), (60, 3))

# What fits into a line of templates/report.typ in its monospaced font. A line that the compiler breaks by
# itself costs it several times as much.
LINE: Final = 96
_REST: Final = rf"[^\n]{{1,{LINE}}}(?=\n|$)"
_TO_A_MARK: Final = rf"[^\n]{{48,{LINE - 1}}}[\s._=:;,\]}}/-](?=\S)"
_LINES: Final = re.compile(rf"{_REST}|{_TO_A_MARK}|[^\n]{{1,{LINE}}}")


@dataclass(frozen=True, kw_only=True)
class PrintedSettings:
    """The settings of a PDF by item, each {`path`, `values`} in lines; `length` is that of a value.

    `more` is how many of each item's settings are left out.
    """

    items: Sequence[Sequence[Json]]
    more: Sequence[int]
    length: int

    @property
    def are_cut(self) -> bool:
        """Whether values are shorter here than in a small review."""
        return self.length < PRINTS[0][0]


def print_settings(changes: Iterable[ChangedItem]) -> PrintedSettings:
    """Format what a PDF shows of its items' settings: of each as much as all of them leave room for."""
    longest, most = PRINTS[0]
    found = [format_settings(change, length=longest) for change in changes]
    kept = [settings[:most] for settings in found]
    length, count = next((each for each in PRINTS if _size(kept, *each) <= CHARACTERS_PRINTED), PRINTS[-1])
    return PrintedSettings(
        items=[[_print(setting, length) for setting in settings[:count]] for settings in kept],
        more=[max(len(settings) - count, 0) for settings in found],
        length=length,
    )


def _size(items: Sequence[Sequence[FormattedSetting]], length: int, count: int) -> int:
    return sum(
        min(len(setting.path), PATH_LENGTH) + sum(min(len(side), length) for side in _sides(setting))
        for settings in items
        for setting in settings[:count]
    )


def _print(setting: FormattedSetting, length: int) -> Json:
    sides = [shortened(printable(side), length) for side in _sides(setting)]
    together = " → ".join(sides)
    if len(sides) > 1 and len(together) > LINE:
        values = [_in_lines(f"before: {sides[0]}"), _in_lines(f"after: {sides[1]}")]
    else:
        values = [_in_lines(together)]
    return {"path": _in_lines(shortened_path(printable(setting.path), PATH_LENGTH)), "values": values}


def _sides(setting: FormattedSetting) -> Sequence[str]:
    return (setting.alone,) if setting.alone else (setting.before, setting.after)


def _in_lines(text: str) -> str:
    return "\n".join(_LINES.findall(text))
