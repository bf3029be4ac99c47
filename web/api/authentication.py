from typing import Final

from flask import Blueprint, Response, g, request

from models.errors import TooManyRequests, Unauthenticated
from services.access.tokens import principal_of_token
from services.hashing import sha256_of
from web.api.parameters import refuse_unknown_parameters
from web.context import services
from web.rate_limits import Buckets, Standing

_POLICY: Final = "requests"


def authenticate() -> None:
    """Authenticate the request by its bearer token alone.

    1. A request without a token is refused before any look-up; its address pays for it.
    2. A token that was valid a moment ago pays for itself, also before any look-up.
    3. For any other token the address pays, and gets that back where the token is valid.

    Raises Unauthenticated, and TooManyRequests where the limit is used up.
    """
    limits = services().request_limits
    address, token = request.remote_addr or "", _bearer_token()
    # A token is a secret: only its digest is kept between requests.
    caller = sha256_of(token) if token else ""
    is_known = bool(token) and limits.tokens.knows(caller)
    _pay(limits.tokens, caller) if is_known else _pay(limits.addresses, address)
    if token is None:
        raise Unauthenticated
    with services().database.transaction() as session:
        g.principal = principal_of_token(session, token)
    if not is_known:
        limits.addresses.give_back(address)
        _pay(limits.tokens, caller)


def add_limit_headers(response: Response) -> Response:
    """Add the limit and what is left of it, as draft-ietf-httpapi-ratelimit-headers names them."""
    standing: Standing | None = g.get("standing")
    if standing is not None:
        window, rest = (int(each.total_seconds()) for each in (standing.limit.window, standing.full_after))
        response.headers["RateLimit-Policy"] = f'"{_POLICY}";q={standing.limit.burst};w={window}'
        response.headers["RateLimit"] = f'"{_POLICY}";r={standing.remaining};t={rest}'
    return response


def _bearer_token() -> str | None:
    given = request.authorization
    return given.token or None if given is not None and given.type == "bearer" else None


def _pay(buckets: Buckets, caller: str) -> None:
    try:
        g.standing = buckets.take(caller)
    except TooManyRequests:
        g.standing = buckets.standing(caller)
        raise


# Every route of this blueprint authenticates before anything else.
api = Blueprint("api", __name__, url_prefix="/api/v1")
api.before_request(authenticate)
api.before_request(refuse_unknown_parameters)
api.after_request(add_limit_headers)
