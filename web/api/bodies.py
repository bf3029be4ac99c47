import json
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from web.problems import FieldError, InvalidBody

Body = TypeVar("Body", bound=BaseModel)


def json_object() -> dict[str, Any]:
    """Read the request's body as a JSON object, unjudged otherwise.

    415 for another content type, 400 for what is not JSON, InvalidBody for JSON that is no object.
    """
    if not request.is_json:
        raise UnsupportedMediaType
    content = _content()
    try:
        body = json.loads(content)
        # Python lets half surrogates pass; they are no text, and PostgreSQL takes none.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise BadRequest("The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise InvalidBody([FieldError(field="body", message="The body must be a JSON object.")])
    return body


def optional_json_object() -> dict[str, Any]:
    """Read a body that may be left out: nothing at all is an empty object."""
    return json_object() if _content() else {}


def parse(model: type[Body], body: dict[str, Any]) -> Body:
    """Hold a body to its model; raise InvalidBody naming every field that is wrong by its path."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise InvalidBody([_field_error(detail) for detail in error.errors(include_url=False)]) from None


def _content() -> bytes:
    """Read the body; a chunked one is cut off at the limit, and is then too large."""
    content = request.get_data()
    if request.content_length is None and len(content) == request.max_content_length:
        raise RequestEntityTooLarge
    return content


def _field_error(detail: Any) -> FieldError:
    field = ".".join(str(part) for part in detail["loc"]) or "body"
    return FieldError(field=field, message=f"{field}: {detail['msg'].removeprefix('Value error, ')}.")
