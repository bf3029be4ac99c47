from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from models.access import Workspace
from models.catalog import Capability
from models.errors import InvalidInput, NotFound
from models.saved_view import SavedView
from services.access.principals import Principal
from services.runs.saved_views import SavedViews
from services.runs.search.filters import RunFilters
from services.workspaces.queries import list_workspaces
from web.access import authorized, current_principal
from web.context import services
from web.runs.run_list import list_path

blueprint = Blueprint("saved_views", __name__, url_prefix="/operations/views")

VIEW = Capability.OPERATIONS_VIEW
ACT = Capability.OPERATIONS_ACT


@blueprint.post("")
def save() -> Response:
    """Keep a narrowed list by name, for everybody in a workspace, and lead to it."""
    filters = RunFilters.parse(request.form).given()
    with services().database.transaction() as session:
        principal = current_principal()
        seen = list_workspaces(session, workspaces=principal.workspaces_where(VIEW))
        slugs = {workspace.slug: workspace.id for workspace in seen}
        slug = request.form.get("keep_in", "")
        if slug not in slugs:
            _refuse(principal)
        workspace = authorized(session, Workspace, slugs[slug], ACT)
        filters.pop("workspace", None)
        SavedViews(session, actor=principal.actor).save(
            workspace_id=workspace.id, name=request.form.get("name", ""), filters=filters
        )
    return redirect(list_path({**filters, "workspace": slug}), HTTPStatus.SEE_OTHER)


@blueprint.post("/<uuid:view_id>/delete")
def delete(view_id: UUID) -> Response:
    """Forget a list that was kept by name, and lead to all operations."""
    with services().database.transaction() as session:
        view = authorized(session, SavedView, view_id, ACT)
        SavedViews(session, actor=current_principal().actor).delete(view.id)
    return redirect(list_path({}), HTTPStatus.SEE_OTHER)


def _refuse(principal: Principal) -> None:
    """Refuse a workspace that is not there for the reader; access is judged before what was sent."""
    if not principal.workspaces_where(VIEW):
        raise NotFound
    raise InvalidInput("keep_in", "keep_in: choose the workspace in which to keep the view.")
