from collections.abc import Sequence
from http import HTTPStatus
from uuid import UUID

import structlog
from flask import Blueprint, Response, make_response, render_template, request
from sqlalchemy.exc import SQLAlchemyError

from models.catalog import Capability, OperationCatalog
from models.environment import Environment
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from web.pages.run_reading import read_run
from web.pages.signed_in import signed_in
from web.presenters.run_views import RunRow, run_row
from web.presenters.states import OF_RUN
from web.queries.environments import list_environments, list_workspaces
from web.queries.filters import RunFilters
from web.queries.keyset import Page
from web.queries.runs import list_runs
from web.services import services

blueprint = Blueprint("operations", __name__, url_prefix="/operations")
_log = structlog.get_logger()


@blueprint.get("")
def index() -> Response:
    """List the operations that the reader may see, newest first, narrowed by the address."""
    filters = RunFilters.parse(request.args)
    with services().database.transaction() as session:
        seen = signed_in(session).workspaces_where(Capability.OPERATIONS_VIEW)
        environments = list_environments(session, workspaces=seen)
        workspaces = list_workspaces(session, workspaces=seen)
    page = _read_runs(seen, filters)
    rows = [] if page is None else _rows(page.items, environments)
    body = render_template(
        "operations/index.html",
        rows=rows,
        next=page.next if page else None,
        has_failed=page is None,
        filters=filters,
        is_first_page="after" not in request.args,
        workspaces=workspaces,
        workspace_options=[(workspace.slug, workspace.name) for workspace in workspaces],
        environment_options=[(environment.id, environment.name) for environment in environments],
        operation_options=[(operation.type, operation.label) for operation in OperationCatalog.all()],
        status_options=[(status, status.capitalize()) for status in Status],
        outcome_options=[(outcome, OF_RUN[outcome].word) for outcome in Outcome if outcome in OF_RUN],
    )
    return make_response(body, HTTPStatus.OK if page else HTTPStatus.SERVICE_UNAVAILABLE)


@blueprint.get("/<uuid:run_id>")
def show(run_id: UUID) -> str:
    """Show one run, reachable by its id alone."""
    return render_template("operations/show.html", page=read_run(run_id))


@blueprint.get("/<uuid:run_id>/fragment")
def fragment(run_id: UUID) -> Response:
    """Answer the part of a run's page that changes; 304 where it is as the reader has it."""
    response = make_response(render_template("operations/_run.html", page=read_run(run_id)))
    response.add_etag()
    response.make_conditional(request)
    return response


def _read_runs(seen: frozenset[UUID], filters: RunFilters) -> Page[OperationRun] | None:
    """Return a page of runs; None where the read failed, which is never shown as an empty list."""
    try:
        with services().database.transaction() as session:
            return list_runs(session, workspaces=seen, filters=filters, after=request.args.get("after"))
    except SQLAlchemyError:
        _log.exception("operations_unread")
        return None


def _rows(runs: Sequence[OperationRun], environments: Sequence[Environment]) -> list[RunRow]:
    names = {environment.id: environment for environment in environments}
    return [run_row(run, names.get(run.environment_id)) for run in runs]
