from enum import IntEnum
from typing import Any

from services.masking.keys import is_secret_key, names_the_secret
from services.masking.text import is_flag, pem_lines

# Where a setting's key is itself a value: `{name: DB_PASSWORD, value: x}`.
_NAME_KEYS = {
    "name",
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
    inherited = MaskLevel.TEXT if level else MaskLevel.OPEN
    names = [key]
    if key.lower() in _VALUE_KEYS:
        names += [
            name for word, name in holder.items() if isinstance(name, str) and word.lower() in _NAME_KEYS
        ]
    if any(map(names_the_secret, names)):
        return MaskLevel.NUMBERS
    return MaskLevel.TEXT if any(map(is_secret_key, names)) else inherited


def _is_secret(holder: dict[str, Any]) -> bool:
    kind = holder.get("kind")
    return kind == "Secret" or (isinstance(kind, list) and "Secret" in kind)


def item_levels(items: list[Any]) -> dict[int, MaskLevel]:
    """Return, by index, the levels that earlier items give: to lines in PEM and to the values of flags."""
    if str not in set(map(type, items)):
        return {}
    levels = dict.fromkeys(pem_lines(items), MaskLevel.TEXT)
    flags = [index for index, item in enumerate(items) if is_flag(item)]
    return levels | dict.fromkeys((index + 1 for index in flags), MaskLevel.NUMBERS)
