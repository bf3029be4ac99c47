from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel
from werkzeug.routing import Rule

from services.validation import EXAMPLE_ID
from web.api.openapi.spec import EndpointSpec

_NULL: Final = {"type": "null"}


def parameters_of(rule: Rule, spec: EndpointSpec) -> list[dict[str, Any]]:
    """Return the parameters of an endpoint: path, query and headers."""
    found = [*_path(rule, spec), *(_query(spec.query) if spec.query else ())]
    for name, header in spec.headers.items():
        found.append({"name": name, "in": "header", "required": False, **header})
    if spec.revalidated:
        found.append({"$ref": "#/components/parameters/If-None-Match"})
    return found


def _path(rule: Rule, spec: EndpointSpec) -> Iterator[dict[str, Any]]:
    for name in sorted(rule.arguments, key=rule.rule.index):
        choices = spec.paths.get(name)
        schema = {"type": "string", "enum": [*choices]} if choices else {"type": "string", "format": "uuid"}
        example = {} if choices else {"example": EXAMPLE_ID}
        yield {"name": name, "in": "path", "required": True, "schema": schema, **example}


def _query(model: type[BaseModel]) -> Iterator[dict[str, Any]]:
    schemas = model.model_json_schema(ref_template="#/{model}")
    definitions = schemas.get("$defs", {})
    for name, schema in schemas["properties"].items():
        plain = _without_null(schema, definitions)
        plain.pop("title", None)
        description = plain.pop("description", None)
        yield {
            "name": name,
            "in": "query",
            "required": False,
            **({"description": description} if description else {}),
            "schema": plain,
        }


def _without_null(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value that is given; `required` says elsewhere that it may be missing."""
    found = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    if schema.get("default") is not None:
        found["default"] = schema["default"]
    for choice in schema.get("anyOf", ()):
        if choice != _NULL:
            found |= _resolved(choice, definitions)
    return found


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    target = definitions[schema["$ref"].removeprefix("#/")]
    return {key: value for key, value in target.items() if key not in {"title", "description"}}
