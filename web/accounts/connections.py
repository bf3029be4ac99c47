import re
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models.access import Workspace
from models.catalog import Capability
from models.connection import OWNERS_KINDS, Connection, ConnectionKind
from models.errors import Conflict, EncryptionKeyMissing, InvalidInput, NotFound
from services.connections.checking import CheckedConnection, check_connection, record_check, urls_to_check
from services.connections.connections import Connections
from services.connections.queries import environments_of, list_connections
from web.access import authorized, current_principal
from web.context import fetching, services
from web.problems import problem_of
from web.ui.forms import NO_FORM, SentForm

blueprint = Blueprint("connections", __name__, url_prefix="/workspaces/<uuid:workspace_id>/connections")

MANAGE = Capability.WORKSPACE_MANAGE
_FIELDS = ("name", "url_prefix", "username", "secret", "known_hosts")
_Refusal = InvalidInput | Conflict | EncryptionKeyMissing


@blueprint.get("")
def index(workspace_id: UUID) -> str:
    """List a workspace's connections, with the forms that add one."""
    return _list(workspace_id, NO_FORM)


@blueprint.post("")
def create(workspace_id: UUID) -> Response:
    """Create a connection with the workspace's own credentials, and redirect to it."""
    kind = request.form.get("kind", "")
    try:
        with services().database.transaction() as session:
            workspace = authorized(session, Workspace, workspace_id, MANAGE)
            given = _given()
            connection = _connections(session, workspace).create(
                name=given.pop("name", None) or "",
                kind=_kind(kind),
                url_prefix=given.pop("url_prefix", None) or "",
                **given,
            )
    except (InvalidInput, Conflict, EncryptionKeyMissing) as error:
        form = _refused(kind if kind in OWNERS_KINDS else "https", error)
        return make_response(_list(workspace_id, form), problem_of(error).status)
    return redirect(_path(connection), HTTPStatus.SEE_OTHER)


@blueprint.get("/<uuid:connection_id>")
def show(workspace_id: UUID, connection_id: UUID) -> str:
    """Show a connection, the environments that use it, and the form that changes it."""
    return _page(workspace_id, connection_id, NO_FORM)


@blueprint.post("/<uuid:connection_id>")
def change(workspace_id: UUID, connection_id: UUID) -> Response:
    """Change a connection; an empty secret keeps the one before."""
    try:
        with services().database.transaction() as session:
            workspace, connection = _found(session, workspace_id, connection_id)
            given = {name: value for name, value in _given().items() if value or name != "secret"}
            _connections(session, workspace).change(connection, given)
    except (InvalidInput, Conflict, EncryptionKeyMissing) as error:
        page = _page(workspace_id, connection_id, _refused("change", error))
        return make_response(page, problem_of(error).status)
    return redirect(_path(connection), HTTPStatus.SEE_OTHER)


@blueprint.post("/<uuid:connection_id>/removal")
def remove(workspace_id: UUID, connection_id: UUID) -> Response:
    """Remove a connection that no environment uses, and redirect to the list."""
    try:
        with services().database.transaction() as session:
            workspace, connection = _found(session, workspace_id, connection_id)
            _connections(session, workspace).remove(connection)
    except Conflict as error:
        page = _page(workspace_id, connection_id, _refused("removal", error))
        return make_response(page, problem_of(error).status)
    return redirect(url_for("connections.index", workspace_id=workspace_id), HTTPStatus.SEE_OTHER)


@blueprint.post("/<uuid:connection_id>/check")
def check(workspace_id: UUID, connection_id: UUID) -> str:
    """Ask the connection's repositories whether they answer, and show what came back."""
    with services().database.transaction() as session:
        _, connection = _found(session, workspace_id, connection_id)
        urls = urls_to_check(session, connection)
        record_check(session, connection, actor=current_principal().actor)
    with fetching(workspace_id):
        checked = check_connection(services().mirrors, connection, urls)
    return _page(workspace_id, connection_id, NO_FORM, checked=checked)


def _kind(given: str) -> ConnectionKind:
    if given not in OWNERS_KINDS:
        raise InvalidInput("kind", f"Choose {' or '.join(OWNERS_KINDS)}.")
    return ConnectionKind(given)


def _given() -> dict[str, str | None]:
    return {name: request.form.get(name, "").strip() or None for name in _FIELDS if name in request.form}


def _refused(name: str, error: _Refusal) -> SentForm:
    """Return the form as it was sent, but for its secret, also where that was put into the URL."""
    values = {key: value for key, value in request.form.items() if key != "secret"}
    values["url_prefix"] = re.sub(r"//.*@", "//", values.get("url_prefix", ""))
    return SentForm.refused(name, values, error, fields=_FIELDS)


def _found(session: Session, workspace_id: UUID, connection_id: UUID) -> tuple[Workspace, Connection]:
    workspace = authorized(session, Workspace, workspace_id, MANAGE)
    connection = authorized(session, Connection, connection_id, MANAGE)
    if connection.workspace_id != workspace.id:
        raise NotFound
    return workspace, connection


def _connections(session: Session, workspace: Workspace) -> Connections:
    return Connections(
        session, workspace.id, actor=current_principal().actor, cipher=services().mirrors.cipher
    )


def _path(connection: Connection) -> str:
    return url_for("connections.show", workspace_id=connection.workspace_id, connection_id=connection.id)


def _list(workspace_id: UUID, form: SentForm) -> str:
    with services().database.transaction() as session:
        workspace = authorized(session, Workspace, workspace_id, MANAGE)
        found = list_connections(session, workspaces=[workspace.id])
    return render_template("connections/index.html", workspace=workspace, connections=found, form=form)


def _page(
    workspace_id: UUID, connection_id: UUID, form: SentForm, *, checked: CheckedConnection | None = None
) -> str:
    with services().database.transaction() as session:
        workspace, connection = _found(session, workspace_id, connection_id)
        used_by = environments_of(session, connection.id)
    if form is NO_FORM:
        values = {name: getattr(connection, name, None) or "" for name in _FIELDS if name != "secret"}
        form = SentForm(name="change", values=values)
    return render_template(
        "connections/show.html",
        workspace=workspace,
        connection=connection,
        used_by=used_by,
        is_own=connection.kind in OWNERS_KINDS,
        checked=checked,
        form=form,
    )
