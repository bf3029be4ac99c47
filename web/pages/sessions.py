from flask import Blueprint, redirect, render_template, url_for
from flask import session as cookie
from werkzeug.wrappers import Response

from services.access import redeem_sign_in_link
from web.pages.signed_in import USER_ID
from web.services import services

blueprint = Blueprint("sessions", __name__)


@blueprint.get("/")
def home() -> Response:
    """Lead to the one operations surface."""
    return redirect(url_for("operations.index"))


@blueprint.get("/sign-in/<secret>")
def ask(secret: str) -> str:
    """Show one button, so that a mail program's preview of the link does not use it up."""
    return render_template("sessions/sign_in.html", secret=secret)


@blueprint.post("/sign-in/<secret>")
def sign_in(secret: str) -> Response:
    """Use the link up and sign its person in; the session holds their id and nothing else of them."""
    with services().database.transaction() as session:
        user = redeem_sign_in_link(session, secret)
    cookie.clear()
    cookie.permanent = True
    cookie[USER_ID] = str(user.id)
    return redirect(url_for("operations.index"), 303)


@blueprint.post("/sign-out")
def sign_out() -> str:
    """Forget who was signed in."""
    cookie.clear()
    return render_template("sessions/signed_out.html")
