import functools
import re
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final

from services.masking.keys import is_secret_key, measures, names_the_secret
from services.masking.rules import COMMANDS, Rule, all_rules, ascii_of
from services.masking.text import is_flag, mask_lines, mask_text, pem_lines
from services.masking.token_forms import mask_by

# Where a setting's key is itself a value: `{name: DB_PASSWORD, value: x}`.
_NAME_KEYS = {
    "name",
    "variable",
    "field",
    "property",
    "parameter",
    "header",
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
# The name of a type is no secret, also of a secret's: `passwordType: numeric`.
_TYPE = re.compile(r"#?[A-Za-z][A-Za-z.]*")
# The words of a command, and how long a list of them is.
_MOST_WORDS: Final = 64


class MaskLevel(IntEnum):
    """How much of a value is masked: what is secret by itself; all text; numbers too; all but null."""

    OPEN = 0
    TEXT = 1
    NUMBERS = 2
    ALL = 3


def level_below(level: MaskLevel, holder: dict[str, Any], key: str) -> MaskLevel:
    """Return the level of a key's value in a mapping whose values have `level` otherwise."""
    if level is MaskLevel.ALL or (key in _SECRET_DATA and _is_secret(holder)):
        return MaskLevel.ALL
    value = holder.get(key)
    if isinstance(value, str) and _names_type(key, value):
        return MaskLevel.OPEN
    inherited = MaskLevel.TEXT if level and measures(key) else level
    names = [key]
    if key.lower() in _VALUE_KEYS:
        names += [
            name for word, name in holder.items() if isinstance(name, str) and word.lower() in _NAME_KEYS
        ]
    if any(map(names_the_secret, names)):
        return MaskLevel.NUMBERS
    if any(map(is_secret_key, names)):
        return max(inherited, MaskLevel.TEXT)
    return inherited or _level_by_maker(names, value)


def _names_type(key: str, value: str) -> bool:
    return key[-4:].lower() == "type" and _TYPE.fullmatch(value) is not None


def _is_secret(holder: dict[str, Any]) -> bool:
    kinds = holder.get("kind")
    return any(
        isinstance(kind, str) and kind.lower() == "secret"
        for kind in (kinds if isinstance(kinds, list) else [kinds])
    )


def _level_by_maker(names: Sequence[str], value: Any) -> MaskLevel:
    """Return the level of a value by the rules that know it only beside its maker's name."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return MaskLevel.OPEN
    for name in names:
        rules = _rules_of(name)
        if rules and mask_by(rules, said := f"{name} = {value}") != said:
            return MaskLevel.NUMBERS
    return MaskLevel.OPEN


@functools.lru_cache(maxsize=10_000)
def _rules_of(name: str) -> tuple[Rule, ...]:
    return tuple(all_rules().look(ascii_of(name))[0])


def item_levels(items: list[Any]) -> dict[int, MaskLevel]:
    """Return, by index, the levels that other items give: to the lines of a text, the words of a command."""
    if str not in set(map(type, items)):
        return {}
    levels = dict.fromkeys([*pem_lines(items), *_lines_of_secrets(items)], MaskLevel.TEXT)
    flags = [index for index, item in enumerate(items) if is_flag(item)]
    levels |= dict.fromkeys((index + 1 for index in flags), MaskLevel.NUMBERS)
    return levels | dict.fromkeys(_words_of_command(items), MaskLevel.TEXT)


def _lines_of_secrets(items: list[Any]) -> list[int]:
    """Return the indexes of the items that are secrets where a list holds the lines of a text."""
    if not all(isinstance(item, str) and "\n" not in item for item in items):
        return []
    lines = zip(mask_lines(items), items, strict=True)
    return [index for index, (line, item) in enumerate(lines) if line != item and line != mask_text(item)]


def _words_of_command(items: list[Any]) -> list[int]:
    """Return the indexes of the words that are secrets where a list is a command and its arguments."""
    if not 1 < len(items) <= _MOST_WORDS or not all(isinstance(item, str) for item in items):
        return []
    rules = [rule for rule in all_rules().look(ascii_of(" ".join(items)))[0] if rule.source == COMMANDS]
    spans = [span for rule in rules for span in rule.spans(ascii_of(" ".join(items)))]
    found, start = [], 0
    for index, item in enumerate(items):
        if any(begin < start + len(item) and start < end for begin, end in spans):
            found.append(index)
        start += len(item) + 1
    return found
