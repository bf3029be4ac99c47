import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from models.base import Json
from models.contracts import Contract
from services.configuration.exporter_noise import is_exporter_noise
from services.configuration.paths import Item, render
from services.reports.changed_settings import value_json
from services.text import shortened, visible
from web.reviews.wording import NOT_SET, OF_SETTING

# An object or list too large to keep is kept as the beginning of its JSON (services/masking/rows.py).
_CUT_JSON: Final = re.compile(r"[\[{].*… \([\d,]+ more characters\)", re.DOTALL)


def written(value: Any, *, over_lines: bool = False) -> str:
    """Write a value as JSON, so that 8 and "8" differ; where asked, an object or list over several lines."""
    if isinstance(value, str) and _CUT_JSON.fullmatch(value):
        return visible(value)
    indent = 2 if over_lines and isinstance(value, Mapping | list) and value else None
    return visible(json.dumps(value, ensure_ascii=False, indent=indent))


def leaves_of(path: str, value: Any) -> tuple[str, ...]:
    """Return what an object or list at a path holds, one `path: value` each; nothing for other values.

    Left out is what says nothing: an exporter's bookkeeping, names of types, null, what is empty, and what
    the path names its list entry by.
    """
    if not isinstance(value, Mapping | list):
        return ()
    found = _leaves(path, "", value)
    return tuple(f"{name}: {written(leaf)}" for name, leaf in found if f"={leaf}]" not in path)


def _leaves(path: str, name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not key.endswith("@odata.type"):
                yield from _below(path, name, render((key,)), inner)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _below(path, name, render((Item(place, place),)), inner)
    elif value is not None and value != "":
        yield visible(name), value


def _below(path: str, name: str, step: str, value: Any) -> Iterator[tuple[str, Any]]:
    under = [step if step.startswith("[") or not above else f".{step}" for above in (path, name)]
    if not is_exporter_noise(path + under[0]):
        yield from _leaves(path + under[0], name + under[1], value)


# Settings beside a changed item: so many are open, more are folded, and all are on a page of their own.
OPEN: Final = 5
BESIDE_ITEM: Final = 50
# Characters of a value beside a changed item; its own page shows the whole.
VALUE_BESIDE_ITEM: Final = 160
LEAVES_BESIDE_ITEM: Final = 4
SETTINGS_ON_PAGE: Final = 200

# The side that an added or removed setting has.
_ONE_SIDE: Final[Mapping[str, str]] = {"added": "after", "removed": "before"}


class SettingView(Contract):
    """One changed setting in words; `before` and `after` read "not set" on the side that has none.

    `leaves` is what an object or list holds that came or went whole; beside its item it stands for it.
    """

    path: str
    word: str
    before: str
    after: str
    leaves: tuple[str, ...] = ()
    is_cut: bool = False


class SettingsView(Contract):
    """What changed inside an item: what somebody may have set, then what an exporter writes for itself.

    `has_more`: not every setting, or not every value that somebody may have set, stands here whole.
    """

    real: tuple[SettingView, ...]
    real_count: int
    bookkeeping: tuple[SettingView, ...]
    bookkeeping_count: int
    has_more: bool

    @property
    def are_folded(self) -> bool:
        """Tell whether they are too many to stand open beside their item."""
        return self.real_count > OPEN


class SettingsPage(Contract):
    """A page of all that changed inside an item, in the order of SettingsView."""

    real: tuple[SettingView, ...]
    bookkeeping: tuple[SettingView, ...]
    real_count: int
    bookkeeping_count: int
    next: int | None


def settings_beside_item(settings: Sequence[Json]) -> SettingsView:
    """Word what fits beside an item."""
    real, kept = _sorted(settings)
    shown = tuple(_beside(each) for each in real[:BESIDE_ITEM])
    return SettingsView(
        real=shown,
        real_count=len(real),
        bookkeeping=tuple(_beside(each) for each in kept[:BESIDE_ITEM]),
        bookkeeping_count=len(kept),
        has_more=max(len(real), len(kept)) > BESIDE_ITEM or any(view.is_cut for view in shown),
    )


def settings_page(settings: Sequence[Json], *, first: int) -> SettingsPage:
    """Word a page of settings in full, from the one at place `first`."""
    real, kept = _sorted(settings)
    last = first + SETTINGS_ON_PAGE
    return SettingsPage(
        real=tuple(_view(each, over_lines=True) for each in real[first:last]),
        bookkeeping=tuple(
            _view(each, over_lines=True)
            for each in kept[max(0, first - len(real)) : max(0, last - len(real))]
        ),
        real_count=len(real),
        bookkeeping_count=len(kept),
        next=last - 1 if last < len(settings) else None,
    )


def _sorted(settings: Sequence[Json]) -> tuple[list[Json], list[Json]]:
    """Part what somebody may have set from an exporter's bookkeeping, each in its order."""
    real: list[Json] = []
    kept: list[Json] = []
    for setting in settings:
        (kept if is_exporter_noise(str(setting["path"])) else real).append(setting)
    return real, kept


def _beside(setting: Json) -> SettingView:
    """Word one setting so that it fits beside its item; what came or went whole by what it holds."""
    view = _view(setting, over_lines=False)
    side = _ONE_SIDE.get(str(setting.get("change")))
    leaves = leaves_of(str(setting["path"]), setting[side]) if side else ()
    cut = [
        shortened(each, VALUE_BESIDE_ITEM) for each in (view.before, view.after, *leaves[:LEAVES_BESIDE_ITEM])
    ]
    return SettingView(
        path=view.path,
        word=view.word,
        before=cut[0],
        after=cut[1],
        leaves=tuple(cut[2:]),
        is_cut=cut[2:] != [*leaves] if leaves else cut != [view.before, view.after],
    )


def _view(setting: Json, *, over_lines: bool) -> SettingView:
    return SettingView(
        path=visible(str(setting["path"])),
        word=OF_SETTING.get(str(setting.get("change")), OF_SETTING["changed"]),
        before=_side(setting, "before", over_lines=over_lines),
        after=_side(setting, "after", over_lines=over_lines),
    )


def _side(setting: Json, side: str, *, over_lines: bool) -> str:
    if value_json(setting, side) is None:
        return NOT_SET
    return written(setting[side], over_lines=over_lines)
