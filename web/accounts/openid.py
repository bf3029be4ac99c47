from typing import Final

from flask import Blueprint, Flask, current_app, request
from flask import session as cookie
from werkzeug.wrappers import Response

from models.errors import NotFound, Unauthenticated
from services.access.openid_subjects import resolve_user
from services.database.row_security import SIGNING_IN
from web.accounts.sign_in import enter, own_path
from web.auditing import record_refused_sign_in
from web.context import services
from web.openid import OpenIdSignIn

blueprint = Blueprint("openid", __name__, url_prefix="/sign-in/openid")

_EXTENSION: Final = "operationrun.openid"
_FOLLOWING: Final = "following"


def register(app: Flask) -> None:
    """Give the app its OpenID Connect client, where a provider is configured."""
    with app.app_context():
        provider = services().openid
    if provider is not None:
        app.extensions[_EXTENSION] = OpenIdSignIn(provider, provider.register(app))


@blueprint.get("")
def start() -> Response:
    """Send the person to the identity provider."""
    sign_in = _sign_in()
    following = own_path(request.args.get("next"))
    answer = sign_in.start(f"{services().public_url}/sign-in/openid/callback")
    if following:
        cookie[_FOLLOWING] = following
    return answer


@blueprint.get("/callback")
def finish() -> Response:
    """Sign in the person whom the provider's claim names, where they are known here.

    It never adds a person: only a workspace's owners give people a role.
    """
    claim = _sign_in().finish()
    following = own_path(cookie.pop(_FOLLOWING, None))
    try:
        with services().database.transaction(SIGNING_IN) as session:
            user = resolve_user(session, claim)
    except Unauthenticated:
        record_refused_sign_in("identity provider")
        raise
    return enter(user, "identity provider", following=following)


def _sign_in() -> OpenIdSignIn:
    found: OpenIdSignIn | None = current_app.extensions.get(_EXTENSION)
    if found is None:
        raise NotFound
    return found
