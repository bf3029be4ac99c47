from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from web.api.openapi.components import Components
from web.api.openapi.spec import JSON, Content, EndpointSpec
from web.problems import MEDIA_TYPE, Problem

_TEXT: Final = {"type": "string"}

# Every response header that programs may rely on, by name.
HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "Allow": {"description": "The methods that the address takes.", "schema": _TEXT},
    "Content-Disposition": {"description": "The name to save the file under.", "schema": _TEXT},
    "ETag": {
        "description": "The tag of these bytes; send it as `If-None-Match` to hear whether they changed.",
        "schema": _TEXT,
    },
    "Location": {"description": "Where the thing is found from now on.", "schema": _TEXT},
    "RateLimit": {
        "description": "What is left: `r` requests, and `t` seconds until there are all of them again.",
        "schema": _TEXT,
        "example": '"requests";r=119;t=1',
    },
    "RateLimit-Policy": {
        "description": "The limit: `q` requests at once, which come back steadily over `w` seconds.",
        "schema": _TEXT,
        "example": '"requests";q=120;w=12',
    },
    "Retry-After": {
        "description": "Seconds after which to ask again.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "WWW-Authenticate": {"description": "How to authenticate.", "schema": _TEXT},
    "X-Request-ID": {"description": "Finds this request in the log.", "schema": _TEXT},
}


def ref(name: str) -> dict[str, str]:
    """Return the reference to a header of HEADERS."""
    return {"$ref": f"#/components/headers/{name}"}


_LIMIT: Final = ("RateLimit", "RateLimit-Policy")

# The meaning of each refusal, and its headers beyond those of every response.
_REFUSALS: Final[Mapping[HTTPStatus, tuple[str, tuple[str, ...]]]] = {
    HTTPStatus.BAD_REQUEST: ("The body is not JSON.", ()),
    HTTPStatus.UNAUTHORIZED: ("There is no bearer token, or it is not valid.", ("WWW-Authenticate",)),
    HTTPStatus.FORBIDDEN: ("The token's role may see this, and may not do it.", ()),
    HTTPStatus.NOT_FOUND: ("There is no such thing, or not for this token; the two look alike.", ()),
    HTTPStatus.METHOD_NOT_ALLOWED: ("The address does not take this method.", ("Allow",)),
    HTTPStatus.CONFLICT: ("This cannot be done as things stand.", ()),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("The body is larger than 1 MiB.", ()),
    HTTPStatus.REQUEST_URI_TOO_LONG: ("The address is longer than 4000 characters.", ()),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ("The body is not sent as JSON.", ()),
    HTTPStatus.UNPROCESSABLE_ENTITY: ("A field or parameter is wrong; `errors` names each.", ()),
    HTTPStatus.TOO_MANY_REQUESTS: ("The limit is used up.", ("Retry-After",)),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("Something that was not foreseen; `request_id` finds it.", ()),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Something it needs does not answer now.", ("Retry-After",)),
}


def responses_of(spec: EndpointSpec, components: Components, *, by_id: bool) -> dict[str, Any]:
    """Return the responses of an endpoint by status; `by_id`: its path names one resource."""
    found = {
        status: _content(content, spec, components, is_tagged=spec.revalidated and status is HTTPStatus.OK)
        for status, content in spec.answers.items()
    }
    if spec.revalidated:
        headers = _headers(spec, "ETag")
        found[HTTPStatus.NOT_MODIFIED] = {"description": "Not changed.", "headers": headers}
    for status in _refusals(spec, by_id=by_id):
        found[status] = _refusal(status, spec, components)
    return {str(int(status)): found[status] for status in sorted(found)}


def _refusals(spec: EndpointSpec, *, by_id: bool) -> Iterator[HTTPStatus]:
    yield from (HTTPStatus.REQUEST_URI_TOO_LONG, HTTPStatus.INTERNAL_SERVER_ERROR)
    yield from spec.refusals
    if spec.open:
        return
    yield from (HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY)
    yield from (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
    if by_id or spec.acts:
        yield HTTPStatus.NOT_FOUND
    if spec.acts:
        yield HTTPStatus.FORBIDDEN
    if spec.conflicts:
        yield HTTPStatus.CONFLICT
    if spec.body:
        yield from (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        yield HTTPStatus.UNSUPPORTED_MEDIA_TYPE


def _content(
    content: Content, spec: EndpointSpec, components: Components, *, is_tagged: bool
) -> dict[str, Any]:
    schema = components.answered(content.model) if content.model else {}
    own = [
        name
        for name, applies in (
            ("ETag", is_tagged),
            ("Location", content.has_location),
            ("Retry-After", content.may_retry),
        )
        if applies
    ]
    return {
        "description": content.description,
        "headers": _headers(spec, *own),
        "content": {
            media_type: {"schema": schema if media_type == JSON else {}} for media_type in content.media_types
        },
    }


def _refusal(status: HTTPStatus, spec: EndpointSpec, components: Components) -> dict[str, Any]:
    description, own = _REFUSALS[status]
    if status is HTTPStatus.CONFLICT and spec.conflicts:
        description = spec.conflicts
    return {
        "description": description,
        "headers": _headers(spec, *own),
        "content": {MEDIA_TYPE: {"schema": components.answered(Problem)}},
    }


def _headers(spec: EndpointSpec, *own: str) -> dict[str, Any]:
    everywhere = ("X-Request-ID",) if spec.open else ("X-Request-ID", *_LIMIT)
    return {name: ref(name) for name in (*everywhere, *own) if name in HEADERS}
