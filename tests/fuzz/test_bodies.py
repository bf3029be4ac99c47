"""Whatever a program sends as a body: held to its model, or refused with the status that says why."""

import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest

from tests.fuzz.test_names import JSON, NAMES_OF_ANYTHING
from web.api.bodies import JsonObject, json_object, parse
from web.api.requests import CheckRequest, NewEnvironment, NewOperation, NewRestorePlan, Request
from web.problems import InvalidFields

APP = Flask("fuzz")
MODELS: list[type[Request]] = [NewEnvironment, NewRestorePlan, NewOperation, CheckRequest]
FIELDS = sorted({name for model in MODELS for name in model.model_fields})
BODIES = (
    st.binary(max_size=100)
    | NAMES_OF_ANYTHING.map(lambda text: text.encode("utf-8", "surrogatepass"))
    | (JSON | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), JSON)).map(
        lambda value: json.dumps(value).encode()
    )
)


def read(content: bytes) -> JsonObject | None:
    """Return a body's object; None where it is refused as no JSON, or no object."""
    with APP.test_request_context("/", method="POST", data=content, content_type="application/json"):
        try:
            return json_object()
        except (BadRequest, InvalidFields):
            return None


@given(BODIES)
def test_any_body_is_an_object_or_refused(content: bytes) -> None:
    body = read(content)
    if body is not None:
        assert json.dumps(body, ensure_ascii=False).encode()
        for model in MODELS:
            held(model, body)


def held(model: type[Request], body: JsonObject) -> None:
    try:
        parsed: Any = parse(model, body)
    except InvalidFields as refusal:
        wrong = refusal.fields
    else:
        assert isinstance(parsed, model)
        return
    assert wrong
    assert all(each.field and each.message.encode() for each in wrong)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "content",
    [
        b"[" * 1_000_000,
        b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
        b'{"a": ' + b"9" * 1_000_000 + b"}",
        b'{"a": "\\ud800"}',
        b"\xff\xfe{\x00}\x00\x00",
    ],
    ids=["lists", "objects", "digits", "half a surrogate pair", "more than UTF-16"],
)
def test_a_bomb_is_refused(content: bytes) -> None:
    assert read(content) is None


@pytest.mark.timeout(30)
def test_many_repeated_keys_are_told_in_time() -> None:
    body = read(b"{" + b'"a":1,"b":2,' * 40_000 + b'"c":3}')
    assert body is not None
    with pytest.raises(InvalidFields, match="more than once"):
        parse(CheckRequest, body)
    many = read(b"{" + b",".join(b'"%d":1,"%d":2' % (n, n) for n in range(60_000)) + b"}")
    assert many is not None
    assert len(many.repeated) == 60_000
