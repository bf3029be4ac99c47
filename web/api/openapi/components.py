from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from web.api.openapi.spec import EndpointSpec
from web.problems import Problem

REF: Final = "#/components/schemas/{model}"

# A field with a default may be missing from a request and is always in a response: two schemas of one model.
_SENT: Final[JsonSchemaMode] = "validation"
_ANSWERED: Final[JsonSchemaMode] = "serialization"


class Components:
    """The schemas of every model that the specs name, each once by name."""

    def __init__(self, documented: Collection[EndpointSpec]) -> None:
        named = [(model, _SENT) for spec in documented for model in (spec.body,) if model]
        named += [
            (content.model, _ANSWERED)
            for spec in documented
            for content in spec.answers.values()
            if content.model
        ]
        named.append((Problem, _ANSWERED))
        self._refs, found = models_json_schema([*dict.fromkeys(named)], ref_template=REF)
        self.schemas: dict[str, Any] = dict(sorted(found["$defs"].items()))

    def sent(self, model: type[BaseModel]) -> dict[str, Any]:
        """Return the reference to the schema of a request body."""
        return self._refs[(model, _SENT)]

    def answered(self, model: type[BaseModel]) -> dict[str, Any]:
        """Return the reference to the schema of a response body."""
        return self._refs[(model, _ANSWERED)]


@dataclass(frozen=True, kw_only=True)
class Word:
    """A piece of a type in words; `shape` is the name of the schema that it links to."""

    text: str
    shape: str | None = None


_LIMITS: Final = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minLength", "{} or more characters"),
    ("maxLength", "{} characters at most"),
    ("pattern", "like {}"),
    ("default", "{} unless told"),
)


def type_words(schema: Mapping[str, Any]) -> Sequence[Word]:
    """Return a schema's type in words, for people."""
    return [*_words(schema)]


def _words(schema: Mapping[str, Any]) -> Iterator[Word]:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        yield Word(text=name, shape=name)
    elif "enum" in schema:
        yield Word(text=", ".join(map(str, schema["enum"])))
    elif "const" in schema:
        yield Word(text=str(schema["const"]))
    elif "anyOf" in schema and "type" not in schema:
        for place, choice in enumerate(schema["anyOf"]):
            if place:
                yield Word(text="or")
            yield from _words(choice)
    elif schema.get("type") == "array":
        yield Word(text="list of")
        yield from _words(schema["items"])
    else:
        yield Word(text=_kind(schema))
    said = [wording.format(schema[key]) for key, wording in _LIMITS if schema.get(key) not in (None, "", {})]
    if said:
        yield Word(text=f"({', '.join(said)})")


def _kind(schema: Mapping[str, Any]) -> str:
    formats = [each["format"] for each in (schema, *schema.get("anyOf", ())) if "format" in each]
    return " or ".join(formats) or str(schema.get("type", "any"))
