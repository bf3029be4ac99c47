from http import HTTPStatus

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from models.access import AuditAction, User
from models.catalog import Capability
from models.errors import InvalidInput, OperationRunError, TooManyRequests, Unauthenticated
from services.access.audit import record_for_person
from services.access.password_sign_in import PasswordSignIn
from services.access.passwords import SHORTEST, check_password, password_hash_of, set_password
from services.access.principals import sign_out_everywhere
from services.database.row_security import SIGNING_IN
from services.workspaces.queries import list_workspaces
from web.access import current_principal, signed_in_session
from web.browser_session import begin_session, end_session
from web.context import services
from web.ui.forms import NO_FORM, SentForm

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.get("")
def show() -> str:
    """Show who is signed in, their workspaces, and how they sign in."""
    return _page(NO_FORM)


@blueprint.post("/password")
def change_password() -> Response:
    """Set the person's password, given the present one where there is one; sign out every other browser."""
    try:
        check_password(request.form.get("password", ""))
        _prove()
    except OperationRunError as error:
        form = SentForm.refused("password", {}, error, fields=("password", "present"))
        return make_response(_page(form), HTTPStatus.UNPROCESSABLE_ENTITY)
    user_id = signed_in_session().user_id
    with services().database.transaction(SIGNING_IN) as session:
        set_password(session, user_id, request.form.get("password", ""), actor=current_principal().actor)
        session.flush()
        user = session.scalars(select(User).where(User.id == user_id)).one()
    begin_session(user)
    return redirect(url_for("account.show", _anchor="password"), HTTPStatus.SEE_OTHER)


@blueprint.post("/sign-out-everywhere")
def leave() -> str:
    """Sign the person out of every browser, this one included."""
    with services().database.transaction(SIGNING_IN) as session:
        user_id = signed_in_session().user_id
        sign_out_everywhere(session, user_id)
        record_for_person(session, user_id, AuditAction.SIGNED_OUT_EVERYWHERE)
    end_session()
    return render_template("sessions/signed_out.html", everywhere=True)


def _prove() -> None:
    """Require the present password, where there is one: a browser left open must not be enough."""
    user_id = signed_in_session().user_id
    with services().database.transaction(SIGNING_IN) as session:
        if password_hash_of(session, user_id) is None:
            return
    try:
        PasswordSignIn(database=services().database).sign_in(
            name=current_principal().actor.name,
            password=request.form.get("present", ""),
            address=request.remote_addr or "",
        )
    except (Unauthenticated, TooManyRequests):
        raise InvalidInput("present", "This is not your present password.") from None


def _page(form: SentForm) -> str:
    principal = current_principal()
    with services().database.transaction() as session:
        workspaces = list_workspaces(session, workspaces=frozenset(principal.roles))
    with services().database.transaction(SIGNING_IN) as session:
        has_password = password_hash_of(session, signed_in_session().user_id) is not None
    return render_template(
        "account/show.html",
        principal=principal,
        workspaces=workspaces,
        manages=principal.workspaces_where(Capability.WORKSPACE_MANAGE),
        has_password=has_password,
        shortest=SHORTEST,
        form=form,
    )
