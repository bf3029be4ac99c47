from collections.abc import Mapping
from typing import Any, Final

_TEXT: Final = {"type": "string"}

# Every header of an answer that programs may rely on, by its name.
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
    """Return the reference to a header."""
    return {"$ref": f"#/components/headers/{name}"}
