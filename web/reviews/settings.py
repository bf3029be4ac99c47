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

# An object or list too large to store is stored as the beginning of its JSON (services/masking/rows.py).
_CUT_JSON: Final = re.compile(r"[\[{].*… \([\d,]+ more characters\)", re.DOTALL)


def written(value: Any, *, over_lines: bool = False) -> str:
    """Format a value as JSON, so that 8 and "8" differ; `over_lines` indents objects and lists."""
    if isinstance(value, str) and _CUT_JSON.fullmatch(value):
        return visible(value)
    indent = 2 if over_lines and isinstance(value, Mapping | list) and value else None
    return visible(json.dumps(value, ensure_ascii=False, indent=indent))


def leaves_of(path: str, value: Any) -> tuple[str, ...]:
    """Return the values inside an object or list at a path, as `path: value`; empty for other values.

    Leaves out what tells a reader nothing: exporter noise, type names, null, empty texts, and the value by
    which the path names its list entry.
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
        yield name, value


def _below(path: str, name: str, step: str, value: Any) -> Iterator[tuple[str, Any]]:
    under = [step if step.startswith("[") or not above else f".{step}" for above in (path, name)]
    if not is_exporter_noise(path + under[0]):
        yield from _leaves(path + under[0], name + under[1], value)


# Settings in the row of a changed item: up to OPEN unfolded, up to BESIDE_ITEM folded, the rest on its page.
OPEN: Final = 5
BESIDE_ITEM: Final = 50
# Characters of a value in the row of a changed item; its own page shows the whole value.
VALUE_BESIDE_ITEM: Final = 160
LEAVES_BESIDE_ITEM: Final = 4
SETTINGS_ON_PAGE: Final = 200

# The only side of an added or removed setting.
_ONE_SIDE: Final[Mapping[str, str]] = {"added": "after", "removed": "before"}


class SettingView(Contract):
    """One changed setting in words; `before` and `after` read "not set" on the side without a value.

    `leaves` are the values inside an added or removed object or list; a row shows them in place of its JSON.
    `is_cut`: the row shortens a value.
    """

    path: str
    word: str
    before: str
    after: str
    leaves: tuple[str, ...] = ()
    is_cut: bool = False


class SettingsView(Contract):
    """The changed settings in the row of an item: real ones, then exporter noise.

    `has_more`: some setting is left out, or some value of a real one is cut.
    """

    real: tuple[SettingView, ...]
    real_count: int
    noise: tuple[SettingView, ...]
    noise_count: int
    has_more: bool

    @property
    def are_folded(self) -> bool:
        """Return whether the real settings are too many to be shown unfolded."""
        return self.real_count > OPEN


class SettingsPage(Contract):
    """A page of every changed setting of an item, in the order of SettingsView."""

    real: tuple[SettingView, ...]
    noise: tuple[SettingView, ...]
    real_count: int
    noise_count: int
    next: int | None


def settings_beside_item(settings: Sequence[Json]) -> SettingsView:
    """Word the settings that fit the row of an item."""
    real, noise = _sorted(settings)
    shown = tuple(_beside(each) for each in real[:BESIDE_ITEM])
    return SettingsView(
        real=shown,
        real_count=len(real),
        noise=tuple(_beside(each) for each in noise[:BESIDE_ITEM]),
        noise_count=len(noise),
        has_more=max(len(real), len(noise)) > BESIDE_ITEM or any(view.is_cut for view in shown),
    )


def settings_page(settings: Sequence[Json], *, first: int) -> SettingsPage:
    """Word a page of settings in full, from position `first`."""
    real, noise = _sorted(settings)
    last = first + SETTINGS_ON_PAGE
    return SettingsPage(
        real=tuple(_view(each, over_lines=True) for each in real[first:last]),
        noise=tuple(
            _view(each, over_lines=True)
            for each in noise[max(0, first - len(real)) : max(0, last - len(real))]
        ),
        real_count=len(real),
        noise_count=len(noise),
        next=last - 1 if last < len(settings) else None,
    )


def _sorted(settings: Sequence[Json]) -> tuple[list[Json], list[Json]]:
    """Split real settings from exporter noise, each in order."""
    real: list[Json] = []
    noise: list[Json] = []
    for setting in settings:
        (noise if is_exporter_noise(str(setting["path"])) else real).append(setting)
    return real, noise


def _beside(setting: Json) -> SettingView:
    """Word one setting for the row of its item; an added or removed object by the values inside it."""
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
        path=str(setting["path"]),
        word=OF_SETTING.get(str(setting.get("change")), OF_SETTING["changed"]),
        before=_side(setting, "before", over_lines=over_lines),
        after=_side(setting, "after", over_lines=over_lines),
    )


def _side(setting: Json, side: str, *, over_lines: bool) -> str:
    if value_json(setting, side) is None:
        return NOT_SET
    return written(setting[side], over_lines=over_lines)
