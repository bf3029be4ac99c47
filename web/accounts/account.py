from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from models.access import AuditAction, User
from models.catalog import Capability
from models.errors import InvalidInput, OperationRunError, TooManyRequests, Unauthenticated
from services.access.audit import record_for_person
from services.access.password_sign_in import PasswordSignIn
from services.access.passwords import SHORTEST, check_password, password_hash_of, set_password
from services.access.sessions import (
    end_other_sessions,
    end_session_of,
    list_sessions,
    sign_out_everywhere,
)
from services.database.row_security import SIGNING_IN
from services.workspaces.queries import list_workspaces
from web.access import current_principal, signed_in
from web.browser_session import begin_session, forget_session
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
    user_id = signed_in().user_id
    with services().database.transaction(SIGNING_IN) as session:
        set_password(session, user_id, request.form.get("password", ""), actor=current_principal().actor)
        begin_session(session, session.scalars(select(User).where(User.id == user_id)).one())
    return redirect(url_for("account.show", _anchor="password"), HTTPStatus.SEE_OTHER)


@blueprint.post("/sessions/end")
def end_one() -> Response:
    """End the session of the person that the form names; one that is not theirs, or over, changes nothing."""
    reader, session_id = signed_in(), request.form.get("session", type=UUID)
    if session_id is not None:
        with services().database.transaction(SIGNING_IN) as session:
            end_session_of(session, reader.user_id, session_id)
            record_for_person(session, reader.user_id, AuditAction.SESSIONS_ENDED, detail="one session")
    return redirect(url_for("account.show", _anchor="sessions"), HTTPStatus.SEE_OTHER)


@blueprint.post("/sessions/end-others")
def end_others() -> Response:
    """End the person's sessions on every other browser."""
    reader = signed_in()
    with services().database.transaction(SIGNING_IN) as session:
        end_other_sessions(session, reader.user_id, kept_id=reader.session_id)
        record_for_person(session, reader.user_id, AuditAction.SESSIONS_ENDED, detail="every other session")
    return redirect(url_for("account.show", _anchor="sessions"), HTTPStatus.SEE_OTHER)


@blueprint.post("/sign-out-everywhere")
def leave() -> str:
    """Sign the person out of every browser, this one included; their sign-in links end too."""
    with services().database.transaction(SIGNING_IN) as session:
        user_id = signed_in().user_id
        sign_out_everywhere(session, user_id)
        record_for_person(session, user_id, AuditAction.SIGNED_OUT_EVERYWHERE)
    g.pop("principal", None)
    forget_session()
    return render_template("sessions/signed_out.html", everywhere=True)


def _prove() -> None:
    """Require the present password, where there is one: a browser left open must not be enough."""
    user_id = signed_in().user_id
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
        has_password = password_hash_of(session, signed_in().user_id) is not None
        sessions = list_sessions(session, signed_in().user_id, limits=services().session_limits)
    return render_template(
        "account/show.html",
        principal=principal,
        workspaces=workspaces,
        manages=principal.workspaces_where(Capability.WORKSPACE_MANAGE),
        has_password=has_password,
        sessions=sessions,
        present_id=signed_in().session_id,
        idle_hours=services().session_limits.idle // timedelta(hours=1),
        shortest=SHORTEST,
        form=form,
    )
