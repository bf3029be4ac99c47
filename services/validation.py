"""Plain sentences for fields that do not fit, each with the way out."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from models.base import SLUG_PATTERN
from models.errors import InvalidInput

EXAMPLE_ID: Final = "01890000-0000-7000-8000-000000000000"

_ID = f"must be an id: a lowercase hyphenated uuid, such as {EXAMPLE_ID}"
_WHOLE = "must be a whole number"

# By pydantic's kind of error; its own words speak of Python.
_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "is missing; send it",
    "extra_forbidden": "is not known here; leave it out",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "bool_type": "must be true or false",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "list_type": "must be a list, such as []",
    "dict_type": "must be an object, such as {{}}",
    "model_type": "must be an object, such as {{}}",
    "enum": "must be one of: {expected}",
    "literal_error": "must be one of: {expected}",
    "uuid_type": _ID,
    "uuid_parsing": _ID,
    "is_instance_of": _ID,
}


def sentence_of(detail: Any, field: str, *, known: Collection[str] = ()) -> str:
    """Word one of pydantic's error details; `known` are the fields there are, for one that is not.

    A rule of our own (a ValueError) comes with its own sentence.
    """
    sentence = _SENTENCES.get(detail["type"])
    if sentence is None:
        return f"{field}: {detail['msg'].removeprefix('Value error, ')}."
    said = sentence.format(**{name: _plain(value) for name, value in detail.get("ctx", {}).items()})
    if detail["type"] == "extra_forbidden" and known:
        said = f"{said}. Known are: {', '.join(known)}"
    return f"{field}: {said}."


def _plain(value: object) -> str:
    """Return pydantic's list of choices as this project writes one: `'a', 'b' or 'c'` is `a, b, c`."""
    return str(value).replace("'", "").replace(" or ", ", ")


LONGEST_NAME = 200

_SLUG = re.compile(SLUG_PATTERN)


def check_slug(slug: str) -> str:
    """Return a slug that can be used, or raise InvalidInput; the database holds the same rule."""
    if not _SLUG.fullmatch(slug):
        raise InvalidInput(
            "slug", "A slug is 1 to 64 lowercase letters, digits and hyphens, with no hyphen at either end."
        )
    return slug


def check_name(name: str, *, field: str = "name") -> str:
    """Return a name for people without its outer spaces, or raise InvalidInput for the field."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput(field, f"A {field} is 1 to {LONGEST_NAME} printable characters.")
    return name
