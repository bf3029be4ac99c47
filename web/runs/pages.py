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
from web.auditing import record_download
from web.context import services
from web.runs.run_list import Choices, read_list
from web.runs.run_story import read_story
from web.runs.saved_views import view_links
from web.runs.support_bundle import support_bundle
from web.runs.views import read_run

blueprint = Blueprint("operations", __name__, url_prefix="/operations")

VIEW = Capability.OPERATIONS_VIEW
ACT = Capability.OPERATIONS_ACT

# Times of checks and durations so far change with every poll and are no news: the ETag leaves them out.
_PASSING: Final = re.compile(rb"<(time|span) data-(?:checked|since)=[^>]*>[^<]*</\1>")


@blueprint.get("")
def index() -> Response:
    """List the runs that the reader may see, newest first, filtered by the query string."""
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
        views=view_links(saved, choices.workspaces, filters, me=me, acting=acting),
        acting=[workspace for workspace in choices.workspaces if workspace.id in acting],
        operations=OperationCatalog.all(),
    )


@blueprint.get("/fragment")
def list_fragment() -> Response:
    """Return the part of the list that changes; 304 where the reader has it already."""
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
    """Return the part of a run's page that changes; 304 where the reader has it already.

    `Engine-Checked-At` is when Temporal was asked last, on a 304 too: the page shows it.
    """
    page = read_run(run_id)
    response = _unless_known(make_response(render_template("operations/_run.html", page=page)))
    response.headers["Engine-Checked-At"] = page.truths.work.at.isoformat()
    return response


@blueprint.get("/<uuid:run_id>/evidence.json")
def evidence(run_id: UUID) -> Response:
    """Return everything known of a run as a JSON file for support, with secrets masked."""
    story = read_story(run_id)
    response = make_response(support_bundle(story, utc_now()))
    with services().database.transaction() as session:
        record_download(session, story.run.workspace_id, "support bundle", run_id)
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
    """Return 304 instead where the reader has the same page, apart from what `_PASSING` matches."""
    if response.status_code == HTTPStatus.OK:
        known = make_response(_PASSING.sub(b"", response.get_data()))
        known.add_etag()
        response.headers["ETag"] = known.headers["ETag"]
        response.make_conditional(request)
    return response
