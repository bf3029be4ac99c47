import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from services.validation import sentence_of
from web.problems import FieldError, InvalidFields

Body = TypeVar("Body", bound=BaseModel)


class JsonObject(dict[str, Any]):
    """A JSON object; `repeated` are the keys that it, or one within it, holds more than once."""

    repeated: Sequence[str] = ()


def json_object() -> JsonObject:
    """Return the request's body as a JSON object, not yet held to a model.

    Raises UnsupportedMediaType for another content type, BadRequest for what is not JSON, and InvalidFields
    for JSON that is no object.
    """
    if not request.is_json:
        raise UnsupportedMediaType
    content = _content()
    repeated: list[str] = []

    def of_pairs(pairs: list[tuple[str, Any]]) -> JsonObject:
        found = JsonObject(pairs)
        if len(found) < len(pairs):
            repeated.extend(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        return found

    try:
        body = json.loads(content, object_pairs_hook=of_pairs)
        # Python lets half surrogates pass; they are no text, and PostgreSQL takes none.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise BadRequest("The body is not valid JSON.") from None
    if not isinstance(body, JsonObject):
        raise InvalidFields([FieldError(field="body", message="The body must be a JSON object.")])
    body.repeated = repeated
    return body


def optional_json_object() -> JsonObject:
    """Return the body of a request that needs none; an absent one is an empty object."""
    return json_object() if _content() else JsonObject()


def parse(model: type[Body], body: JsonObject) -> Body:
    """Return a body as its model; raise InvalidFields naming every wrong field by its path."""
    if body.repeated:
        raise InvalidFields([_repeated(name) for name in body.repeated])
    try:
        return model.model_validate(body)
    except ValidationError as error:
        known = [*model.model_fields]
        raise InvalidFields([_wrong(detail, known) for detail in error.errors(include_url=False)]) from None


def _content() -> bytes:
    """Return the body; raise RequestEntityTooLarge for a chunked one that is cut off at the limit."""
    content = request.get_data()
    if request.content_length is None and len(content) == request.max_content_length:
        raise RequestEntityTooLarge
    return content


def _wrong(detail: Any, known: Sequence[str]) -> FieldError:
    field = ".".join(str(part) for part in detail["loc"]) or "body"
    return FieldError(
        field=field, message=sentence_of(detail, field, known=known if len(detail["loc"]) == 1 else ())
    )


def _repeated(name: str) -> FieldError:
    return FieldError(field=name, message=f"{name}: stands in the body more than once; say it once.")
