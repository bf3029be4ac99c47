"""Holds answers to the API's own document, for every test that talks to the API."""

from functools import cache
from typing import Any

from flask import Flask
from jsonschema import Draft202012Validator
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from web.api.openapi.document import document_of, path_of

Json = dict[str, Any]
_DOCUMENTS: list[Json] = []


def document(app: Flask) -> Json:
    """Return the document; it is the same for every app of the process."""
    if not _DOCUMENTS:
        _DOCUMENTS.append(document_of(app))
    return _DOCUMENTS[0]


def operation_of(app: Flask, response: TestResponse) -> Json | None:
    """Return what the document says of the operation that answered; None: it has no such operation."""
    adapter = app.url_map.bind("")
    try:
        rule, _ = adapter.match(response.request.path, method=response.request.method, return_rule=True)
    except HTTPException:
        return None
    method = "get" if response.request.method == "HEAD" else response.request.method.lower()
    found: Json | None = document(app)["paths"].get(path_of(rule), {}).get(method)
    return found


def assert_documented(app: Flask, response: TestResponse) -> TestResponse:
    """Fail where an answer's status, content type, headers or body are not as the document says."""
    operation = operation_of(app, response)
    if operation is None:
        return response
    said = f"{response.request.method} {response.request.path}: {response.status_code}"
    answer = operation["responses"].get(str(response.status_code))
    assert answer is not None, f"{said} is not in the document"
    for name in answer.get("headers", {}):
        if name not in {"Retry-After", "RateLimit", "RateLimit-Policy"}:
            assert name in response.headers, f"{said} lacks {name}"
    if response.status_code == 204:
        assert not response.data
        assert "Content-Type" not in response.headers
        return response
    if response.status_code == 304 or response.request.method == "HEAD":
        return response
    assert response.mimetype in answer["content"], f"{said} is {response.mimetype}"
    schema = answer["content"][response.mimetype]["schema"]
    if schema:
        errors = [*validator(schema["$ref"]).iter_errors(response.get_json())]
        assert not errors, f"{said}: {errors[0].json_path}: {errors[0].message}"
    return response


@cache
def validator(ref: str) -> Draft202012Validator:
    """Return the validator of a schema of the document."""
    schema = {"$ref": ref, "components": _DOCUMENTS[0]["components"]}
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
