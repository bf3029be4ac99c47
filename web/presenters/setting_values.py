import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.bookkeeping import is_bookkeeping
from services.reports.text import visible
from services.setting_paths import Item, render

# An object or list too large to keep is kept as the beginning of its JSON (services/setting_rows.py).
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
    if not is_bookkeeping(path + under[0]):
        yield from _leaves(path + under[0], name + under[1], value)
