import re
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, make_response, render_template, request

from models.base import utc_now
from models.catalog import Capability, OperationCatalog
from services.access.principals import Principal
from services.runs.saved_views import list_saved_views
from services.runs.search.filters import RunFilters
from services.workspaces.queries import list_environments, list_workspaces
from web.access import current_principal
from web.context import services
from web.runs.run_list import Choices, read_list, views_of
from web.runs.run_page import read_run, read_story
from web.runs.support_bundle import evidence_of

blueprint = Blueprint("operations", __name__, url_prefix="/operations")

VIEW = Capability.OPERATIONS_VIEW
ACT = Capability.OPERATIONS_ACT

# When something was looked at, and how long something takes so far: they say nothing new of a run.
_PASSING: Final = re.compile(rb"<(time|span) data-(?:checked|since)=[^>]*>[^<]*</\1>")


@blueprint.get("")
def index() -> Response:
    """List the operations that the reader may see, newest first, narrowed by the address."""
    filters = RunFilters.parse(request.args)
    with services().database.transaction() as session:
        principal = current_principal()
        seen, acting = principal.workspaces_where(VIEW), principal.workspaces_where(ACT)
        choices = Choices(
            environments=list_environments(session, workspaces=seen),
            workspaces=list_workspaces(session, workspaces=seen),
        )
        saved = list_saved_views(session, workspaces=seen)
    me = principal.actor.name
    return _listed(
        "operations/index.html",
        principal,
        filters,
        choices,
        views=views_of(saved, choices.workspaces, filters, me=me, acting=acting),
        acting=[workspace for workspace in choices.workspaces if workspace.id in acting],
        operations=OperationCatalog.all(),
    )


@blueprint.get("/fragment")
def list_fragment() -> Response:
    """Answer the part of the list that changes; 304 where it is as the reader has it."""
    filters = RunFilters.parse(request.args)
    with services().database.transaction() as session:
        principal = current_principal()
        seen = principal.workspaces_where(VIEW)
        choices = Choices(workspaces=(), environments=list_environments(session, workspaces=seen))
    return _unless_known(_listed("operations/_list.html", principal, filters, choices))


@blueprint.get("/<uuid:run_id>")
def show(run_id: UUID) -> str:
    """Show one run, reachable by its id alone."""
    return render_template("operations/show.html", page=read_run(run_id))


@blueprint.get("/<uuid:run_id>/fragment")
def fragment(run_id: UUID) -> Response:
    """Answer the part of a run's page that changes; 304 where it is as the reader has it.

    A 304 says when the engine was asked last, so that the page can tell how old its word is.
    """
    page = read_run(run_id)
    response = _unless_known(make_response(render_template("operations/_run.html", page=page)))
    response.headers["Engine-Checked-At"] = page.truths.work.at.isoformat()
    return response


@blueprint.get("/<uuid:run_id>/evidence.json")
def evidence(run_id: UUID) -> Response:
    """Give all that is known of a run as one file, with secrets masked, for whoever has to look into it."""
    response = make_response(evidence_of(read_story(run_id), utc_now()))
    response.headers["Content-Disposition"] = f'attachment; filename="operation-{run_id}.json"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _listed(
    template: str, principal: Principal, filters: RunFilters, choices: Choices, **more: Any
) -> Response:
    runs = read_list(principal, filters, choices)
    body = render_template(
        template,
        runs=runs,
        filters=filters,
        choices=choices,
        is_first_page="after" not in request.args,
        **more,
    )
    return make_response(body, HTTPStatus.OK if runs.rows is not None else HTTPStatus.SERVICE_UNAVAILABLE)


def _unless_known(response: Response) -> Response:
    """Answer 304 where the reader has the same already, but for what passes with the time alone."""
    if response.status_code == HTTPStatus.OK:
        known = make_response(_PASSING.sub(b"", response.get_data()))
        known.add_etag()
        response.headers["ETag"] = known.headers["ETag"]
        response.make_conditional(request)
    return response
