import re
from http import HTTPStatus
from math import ceil
from typing import Final

from flask import Blueprint, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from models.access import AuditAction, User
from models.errors import TooManyRequests, Unauthenticated
from services.access.audit import record_for_person
from services.access.password_sign_in import PasswordSignIn
from services.access.principals import principal_of_user
from services.access.sign_in_links import redeem_sign_in_link
from services.database.row_security import SIGNING_IN
from web.access import current_principal, signed_in
from web.auditing import record_refused_sign_in
from web.browser_session import begin_session, end_session
from web.context import services
from web.ui.navigation import places_of

blueprint = Blueprint("sessions", __name__)

_OWN_PATH: Final = re.compile(r"/(?![/\\])[!-~]*")
_WRONG: Final = "This e-mail address and password do not belong together."


@blueprint.get("/")
def home() -> Response:
    """Redirect to the reader's first page: the run list, or for customers the published reviews."""
    return redirect(places_of(current_principal())[0].path)


@blueprint.get("/sign-in")
def form() -> Response | str:
    """Show the sign-in form; redirect a reader who is signed in already."""
    following = own_path(request.args.get("next"))
    if g.get("principal"):
        return redirect(following or places_of(g.principal)[0].path)
    return sign_in_page(following=following)


@blueprint.post("/sign-in")
def by_password() -> Response:
    """Sign a person in by their password, and redirect to where they were going."""
    name, following = request.form.get("name", ""), own_path(request.form.get("next"))
    try:
        user = PasswordSignIn(database=services().database).sign_in(
            name=name, password=request.form.get("password", ""), address=request.remote_addr or ""
        )
    except Unauthenticated:
        page = sign_in_page(name=name, following=following, problem=_WRONG)
        return make_response(page, HTTPStatus.UNPROCESSABLE_ENTITY)
    except TooManyRequests as error:
        minutes = ceil(error.retry_after.total_seconds() / 60)
        problem = f"There were too many attempts. Try again in {minutes} minute{'' if minutes == 1 else 's'}."
        page = sign_in_page(name=name, following=following, problem=problem)
        waiting = {"Retry-After": str(ceil(error.retry_after.total_seconds()))}
        return make_response(page, HTTPStatus.TOO_MANY_REQUESTS, waiting)
    return enter(user, "password", following=following)


@blueprint.get("/sign-in/<secret>")
def ask(secret: str) -> str:
    """Show the button that uses the link up: a mail program's preview must not."""
    return render_template("sessions/link.html", secret=secret)


@blueprint.post("/sign-in/<secret>")
def sign_in(secret: str) -> Response:
    """Use the link up and sign its person in."""
    try:
        with services().database.transaction(SIGNING_IN) as session:
            user = redeem_sign_in_link(session, secret)
    except Unauthenticated:
        record_refused_sign_in("link")
        raise
    return enter(user, "link")


@blueprint.post("/sign-out")
def sign_out() -> str:
    """Sign out on this browser."""
    if g.get("principal"):
        with services().database.transaction(SIGNING_IN) as session:
            record_for_person(session, signed_in().user_id, AuditAction.SIGNED_OUT)
    end_session()
    g.pop("principal", None)
    return render_template("sessions/signed_out.html")


def enter(user: User, way: str, *, following: str | None = None) -> Response:
    """Sign a person in on this browser; redirect to where they were going, or to their first page.

    Every way of signing in ends here. `user` is the person as their proof found them, `way` says for the
    audit how they proved it.
    """
    with services().database.transaction(SIGNING_IN) as session:
        principal = principal_of_user(session, user.id)
        begin_session(session, user)
        record_for_person(session, user.id, AuditAction.SIGNED_IN, detail=way)
    return redirect(following or places_of(principal)[0].path, HTTPStatus.SEE_OTHER)


def sign_in_page(*, name: str = "", following: str | None = None, problem: str | None = None) -> str:
    """Render the sign-in form."""
    provider = services().openid
    return render_template(
        "sessions/sign_in.html",
        name=name,
        following=following,
        problem=problem,
        provider=provider.label if provider else None,
    )


def own_path(given: str | None) -> str | None:
    """Return an address that is on this site, so safe to redirect to; None for any other, and for None."""
    return given if given and _OWN_PATH.fullmatch(given) else None
