from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models.access import AuditAction, AuditEntry, Role, User, Workspace
from models.catalog import Capability
from models.errors import Conflict, InvalidInput, NotFound
from services.access.audit import newest_entries
from services.access.members import Members, ensure_person
from services.access.tokens import create_token, list_tokens, revoke_token
from services.database.row_security import SIGNING_IN
from web.access import authorized, current_principal
from web.context import services
from web.problems import problem_of
from web.ui.forms import NO_FORM, SentForm

_SENTENCES: Final[Mapping[AuditAction, str]] = {
    AuditAction.MEMBER_ADDED: "{actor} added {subject} as {detail}.",
    AuditAction.MEMBER_ROLE_CHANGED: "{actor} changed the role of {subject} from {detail}.",
    AuditAction.MEMBER_REMOVED: "{actor} removed {subject}, who was {detail}.",
    AuditAction.TOKEN_CREATED: "{actor} created the token “{subject}” ({detail}).",
    AuditAction.TOKEN_REVOKED: "{actor} revoked the token “{subject}” ({detail}).",
    AuditAction.REVIEW_PUBLISHED: "{actor} published the review of {subject}.",
    AuditAction.REVIEW_ARCHIVED: "{actor} archived the review of {subject}.",
    AuditAction.VIEW_SAVED: "{actor} saved the view “{subject}”.",
    AuditAction.VIEW_DELETED: "{actor} deleted the view “{subject}”.",
    AuditAction.CONNECTION_CREATED: "{actor} created the connection “{subject}” ({detail}).",
    AuditAction.CONNECTION_CHANGED: "{actor} changed the connection “{subject}” ({detail}).",
    AuditAction.CONNECTION_REMOVED: "{actor} removed the connection “{subject}” ({detail}).",
    AuditAction.CONNECTION_CHOSEN: "{actor} gave {subject} the connection “{detail}”.",
}


def sentence_of(entry: AuditEntry) -> str:
    """Return an audit entry as a sentence."""
    template = _SENTENCES[AuditAction(entry.action)]
    return template.format(actor=entry.actor_name, subject=entry.subject, detail=entry.detail)


blueprint = Blueprint("workspaces", __name__, url_prefix="/workspaces/<uuid:workspace_id>")

MANAGE = Capability.WORKSPACE_MANAGE


@blueprint.get("")
def show(workspace_id: UUID) -> str:
    """Show a workspace's people and tokens, and the newest audit entries."""
    return _page(workspace_id, NO_FORM)


@blueprint.post("/members")
def add_member(workspace_id: UUID) -> Response:
    """Give a person a role by their e-mail address, in place of any they had."""
    _require_manager(workspace_id)
    try:
        role = _role()
        # People belong to the whole installation; row security would hide those of other workspaces.
        with services().database.transaction(SIGNING_IN) as session:
            user = ensure_person(session, request.form.get("email", "").strip())
        with services().database.transaction() as session:
            Members(session, workspace_id, actor=current_principal().actor).put(user, role)
    except (InvalidInput, Conflict) as error:
        return _refused(workspace_id, "member", ("email", "role"), error)
    return _back(workspace_id, "members")


@blueprint.post("/members/<uuid:user_id>/role")
def change_role(workspace_id: UUID, user_id: UUID) -> Response:
    """Give a member another role."""
    _require_manager(workspace_id)
    try:
        role = _role()
        with services().database.transaction() as session:
            Members(session, workspace_id, actor=current_principal().actor).put(
                _member(session, workspace_id, user_id), role
            )
    except (InvalidInput, Conflict) as error:
        return _refused(workspace_id, "members", (), error)
    return _back(workspace_id, "members")


@blueprint.post("/members/<uuid:user_id>/removal")
def remove_member(workspace_id: UUID, user_id: UUID) -> Response:
    """Take a person out of the workspace."""
    _require_manager(workspace_id)
    try:
        with services().database.transaction() as session:
            Members(session, workspace_id, actor=current_principal().actor).remove(user_id)
    except Conflict as error:
        return _refused(workspace_id, "members", (), error)
    return _back(workspace_id, "members")


@blueprint.post("/tokens")
def make_token(workspace_id: UUID) -> Response:
    """Create a token and show it once: no address shows it again."""
    _require_manager(workspace_id)
    try:
        role = _role()
        with services().database.transaction() as session:
            token = create_token(
                session,
                workspace_id=workspace_id,
                role=role,
                name=request.form.get("name", ""),
                actor=current_principal().actor,
            )
    except InvalidInput as error:
        return _refused(workspace_id, "token", ("name", "role"), error)
    page = _page(workspace_id, NO_FORM, token=token)
    return make_response(page, HTTPStatus.CREATED, {"Cache-Control": "no-store"})


@blueprint.post("/tokens/<uuid:token_id>/revoke")
def revoke(workspace_id: UUID, token_id: UUID) -> Response:
    """Revoke a token, at once."""
    _require_manager(workspace_id)
    with services().database.transaction() as session:
        revoke_token(session, token_id, workspace_id=workspace_id, actor=current_principal().actor)
    return _back(workspace_id, "tokens")


def _require_manager(workspace_id: UUID) -> None:
    with services().database.transaction() as session:
        authorized(session, Workspace, workspace_id, MANAGE)


def _role() -> Role:
    given = request.form.get("role", "")
    if given not in [*Role]:
        raise InvalidInput("role", f"Choose one of the roles: {', '.join(Role)}.")
    return Role(given)


def _member(session: Session, workspace_id: UUID, user_id: UUID) -> User:
    members = Members(session, workspace_id).list()
    found = next((user for user, _ in members if user.id == user_id), None)
    if found is None:
        raise NotFound
    return found


def _refused(
    workspace_id: UUID, form: str, fields: tuple[str, ...], error: InvalidInput | Conflict
) -> Response:
    page = _page(workspace_id, SentForm.refused(form, request.form, error, fields=fields))
    return make_response(page, problem_of(error).status)


def _back(workspace_id: UUID, anchor: str) -> Response:
    here = url_for("workspaces.show", workspace_id=workspace_id, _anchor=anchor)
    return redirect(here, HTTPStatus.SEE_OTHER)


def _page(workspace_id: UUID, form: SentForm, *, token: str | None = None) -> str:
    with services().database.transaction() as session:
        workspace = authorized(session, Workspace, workspace_id, MANAGE)
        return render_template(
            "workspaces/show.html",
            workspace=workspace,
            members=Members(session, workspace_id).list(),
            tokens=list_tokens(session, workspace_id),
            entries=[(entry, sentence_of(entry)) for entry in newest_entries(session, workspace_id)],
            roles=[*Role],
            form=form,
            token=token,
            myself=current_principal().actor.name,
        )
