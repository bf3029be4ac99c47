import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from web.api.openapi.components import Word, type_words
from web.api.openapi.spec import JSON

_SECTION: Final = re.compile(r"\{(\w+)\}")
Schema = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One parameter or body field: name, place, type in words, description."""

    name: str
    place: str
    type: Sequence[Word]
    required: bool
    description: str


@dataclass(frozen=True, kw_only=True)
class EndpointResponse:
    """One response of an endpoint: its status, meaning and content."""

    status: str
    description: str
    content: Sequence[Word]
    headers: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One method of a path, with a command line that calls it."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    fields: Sequence[Field]
    responses: Sequence[EndpointResponse]
    curl: str


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One named schema."""

    name: str
    description: str
    fields: Sequence[Field]


@dataclass(frozen=True, kw_only=True)
class ReferencePage:
    """The document, in the order in which people read it."""

    title: str
    version: str
    description: str
    groups: Mapping[str, Sequence[Endpoint]]
    shapes: Sequence[Shape]


def reference_page(document: Schema, *, base_url: str) -> ReferencePage:
    """Arrange the document for a page; `base_url` begins the addresses of the command lines."""
    groups: dict[str, list[Endpoint]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            shown = _endpoint(method.upper(), path, operation, document, base_url)
            groups[operation["tags"][0]].append(shown)
    schemas = document["components"]["schemas"]
    return ReferencePage(
        title=document["info"]["title"],
        version=document["info"]["version"],
        description=document["info"]["description"],
        groups=groups,
        shapes=[
            Shape(name=name, description=schema.get("description", ""), fields=[*_properties(schema)])
            for name, schema in schemas.items()
        ],
    )


def _endpoint(method: str, path: str, operation: Schema, document: Schema, base_url: str) -> Endpoint:
    body = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema")
    shape = _resolved(body, document) if body else {}
    return Endpoint(
        id=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        fields=[*_parameters(operation, document), *_properties(shape)],
        responses=[
            _response(status, _resolved(answer, document))
            for status, answer in operation["responses"].items()
        ],
        curl=_curl(method, base_url + path, operation, _example(shape, document) if body else None),
    )


def _parameters(operation: Schema, document: Schema) -> Iterator[Field]:
    for given in operation["parameters"]:
        parameter = _resolved(given, document)
        yield Field(
            name=parameter["name"],
            place=parameter["in"],
            type=type_words(parameter["schema"]),
            required=parameter["required"],
            description=parameter.get("description", ""),
        )


def _properties(schema: Schema) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield Field(
            name=name,
            place="body",
            type=type_words(field),
            required=name in required,
            description=field.get("description", ""),
        )


def _response(status: str, response: Schema) -> EndpointResponse:
    return EndpointResponse(
        status=status,
        description=response["description"],
        content=[
            word
            for media_type, each in response.get("content", {}).items()
            for word in (type_words(each["schema"]) if each["schema"] else [Word(text=media_type)])
        ],
        headers=[*response["headers"]],
    )


def _curl(method: str, url: str, operation: Schema, body: Any) -> str:
    parts = ["curl"]
    if operation.get("security") != []:
        parts.append('-H "Authorization: Bearer $OPERATIONRUN_TOKEN"')
    if method != "GET":
        parts.append(f"-X {method}")
    if body is not None:
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(body))}"]
    # Path parameters become shell variables, for the reader to set.
    return " ".join([*parts, f'"{_SECTION.sub(_variable, url)}"'])


def _variable(section: re.Match[str]) -> str:
    return f"${section[1]}"


def _example(schema: Schema, document: Schema) -> Any:
    """Return the smallest value of a schema, for the reader to fill in."""
    schema = _resolved(schema, document)
    for key in ("examples", "enum"):
        if key in schema:
            return schema[key][0]
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], document)
    if "properties" in schema:
        required = schema.get("required", ())
        return {name: _example(schema["properties"][name], document) for name in required}
    return "00000000-0000-0000-0000-000000000000" if schema.get("format") == "uuid" else "…"


def _resolved(schema: Schema, document: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Any = document
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)
