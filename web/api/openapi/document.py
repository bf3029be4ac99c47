import inspect
import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, Final

from flask import Flask
from werkzeug.routing import Rule

from web.api.openapi.components import Components
from web.api.openapi.parameters import parameters_of
from web.api.openapi.responses import HEADERS, responses_of
from web.api.openapi.spec import JSON, EndpointSpec, Tag, spec_of

_PARAMETER: Final = re.compile(r"<(\w+)>")
_AUTOMATIC: Final = frozenset({"HEAD", "OPTIONS"})
_DESCRIPTION: Final = (
    "Services start operations on configuration environments and follow their runs. Ids are lowercase "
    "hyphenated uuids, times RFC 3339 in UTC. A refusal is `application/problem+json` (RFC 9457). What is "
    "out of scope answers like what does not exist. What is not listed here, parameters included, is refused."
)
_BEARER: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "A token of one workspace, with a role in it: `operationrun token create`.",
}
_IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The tag of what is there already; 304 says that it has not changed.",
    "schema": {"type": "string", "pattern": '^(\\*|(W/)?"[!#-~]*")$'},
}


def document_of(app: Flask) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of every documented route, derived from routes, specs and models."""
    endpoints = list(_documented(app))
    components = Components([spec for _, _, spec, _ in endpoints])
    paths: dict[str, dict[str, Any]] = {}
    for rule, method, spec, view in sorted(endpoints, key=lambda each: (each[0].rule, each[1])):
        operation = _operation(rule, spec, view, components)
        paths.setdefault(path_of(rule), {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "OperationRun", "version": version("operationrun"), "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [{"name": tag.value} for tag in Tag],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": _BEARER},
            "parameters": {"If-None-Match": _IF_NONE_MATCH},
            "headers": {name: dict(header) for name, header in HEADERS.items()},
            "schemas": components.schemas,
        },
    }


def path_of(rule: Rule) -> str:
    """Return a route's path in OpenAPI's syntax, `/operations/{id}`."""
    return _PARAMETER.sub(r"{\1}", rule.rule)


def methods_of(rule: Rule) -> frozenset[str]:
    """Return a route's methods without HEAD and OPTIONS, which Flask adds to each."""
    return frozenset(rule.methods or ()) - _AUTOMATIC


def _documented(app: Flask) -> Iterator[tuple[Rule, str, EndpointSpec, Any]]:
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        spec = spec_of(view)
        if spec:
            yield from ((rule, method, spec, view) for method in methods_of(rule))


def _operation(rule: Rule, spec: EndpointSpec, view: Any, components: Components) -> dict[str, Any]:
    summary, _, description = (inspect.getdoc(view) or rule.endpoint).partition("\n\n")
    found: dict[str, Any] = {
        "operationId": view.__name__,
        "tags": [spec.tag.value],
        "summary": summary.strip(),
        **({"description": description.strip()} if description else {}),
        "parameters": parameters_of(rule, spec),
        "responses": responses_of(spec, components, by_id=bool(rule.arguments)),
    }
    if spec.open:
        found["security"] = []
    if spec.body:
        found["requestBody"] = {
            "required": not spec.body_optional,
            "content": {JSON: {"schema": components.sent(spec.body)}},
        }
    return found
