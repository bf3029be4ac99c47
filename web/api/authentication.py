from flask import g, request

from models.errors import Unauthenticated
from services.access import Principal, principal_of_token
from web.services import services


def authenticate() -> None:
    """Find out who sends the request, by its bearer token alone; raise Unauthenticated before any look-up."""
    given = request.authorization
    if given is None or given.type != "bearer" or not given.token:
        raise Unauthenticated
    with services().database.transaction() as session:
        g.principal = principal_of_token(session, given.token)


def principal() -> Principal:
    """Return who sent the present request."""
    found = g.principal
    assert isinstance(found, Principal)  # noqa: S101 - told to the type checker; set by authenticate
    return found
