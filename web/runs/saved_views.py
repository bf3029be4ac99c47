from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
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


@dataclass(frozen=True, kw_only=True)
class ViewLink:
    """A named view of the run list; `delete_path` None: the reader may not delete it, or it is built in."""

    name: str
    path: str
    is_current: bool
    workspace: str | None = None
    delete_path: str | None = None


def view_links(
    saved: Sequence[SavedView],
    workspaces: Sequence[Workspace],
    filters: RunFilters,
    *,
    me: str,
    acting: frozenset[UUID],
) -> list[ViewLink]:
    """Return the views on offer: everything, the reader's own runs, and those that their workspaces saved."""
    given, slugs = filters.given(), {workspace.id: workspace for workspace in workspaces}
    links = [
        ViewLink(name="Everything", path=list_path({}), is_current=not given),
        ViewLink(
            name="Asked for by me", path=list_path({"initiator": me}), is_current=given == {"initiator": me}
        ),
    ]
    for view in saved:
        workspace = slugs[view.workspace_id]
        wanted = {**view.filters, "workspace": workspace.slug}
        links.append(
            ViewLink(
                name=view.name,
                path=list_path(wanted),
                is_current=given == wanted,
                workspace=workspace.name if len(workspaces) > 1 else None,
                delete_path=url_for("saved_views.delete", view_id=view.id)
                if view.workspace_id in acting
                else None,
            )
        )
    return links


blueprint = Blueprint("saved_views", __name__, url_prefix="/operations/views")

VIEW = Capability.OPERATIONS_VIEW
ACT = Capability.OPERATIONS_ACT


@blueprint.post("")
def save() -> Response:
    """Save a filtered list by name for a whole workspace, and redirect to it."""
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
    """Delete a saved view, and redirect to all runs."""
    with services().database.transaction() as session:
        view = authorized(session, SavedView, view_id, ACT)
        SavedViews(session, actor=current_principal().actor).delete(view.id)
    return redirect(list_path({}), HTTPStatus.SEE_OTHER)


def _refuse(principal: Principal) -> None:
    """Refuse a workspace that the reader does not see; access is judged before the rest of the form."""
    if not principal.workspaces_where(VIEW):
        raise NotFound
    raise InvalidInput("keep_in", "keep_in: choose the workspace in which to keep the view.")
