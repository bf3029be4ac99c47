from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from models.catalog import Capability
from models.environment import Environment
from models.errors import Conflict
from models.operation_run import OperationRun
from services.runs.operations import why_not_again
from web.access import authorized, current_principal
from web.context import services
from web.runs.check_page import check_page
from web.runs.progress import point_of_no_return
from web.runs.views import read_run

blueprint = Blueprint("run_actions", __name__, url_prefix="/operations")

ACT = Capability.OPERATIONS_ACT


@blueprint.get("/<uuid:run_id>/cancellation")
def confirm_cancel(run_id: UUID) -> str:
    """Show the confirmation page, with what cancelling cannot undo any more."""
    page = read_run(run_id)
    return render_template("operations/cancel.html", page=page, beyond=point_of_no_return(page.run))


@blueprint.post("/<uuid:run_id>/cancel")
def cancel(run_id: UUID) -> Response:
    """Request a run's cancellation and redirect to the run; one that has ended is a 409."""
    with services().database.transaction() as session:
        run = authorized(session, OperationRun, run_id, ACT)
    services().cancellations.ask(run.id, current_principal().actor)
    return redirect(url_for("operations.show", run_id=run_id), HTTPStatus.SEE_OTHER)


@blueprint.post("/<uuid:run_id>/check")
def check(run_id: UUID) -> str:
    """Show what a check would decide and from which facts; write nothing."""
    with services().database.transaction() as session:
        authorized(session, OperationRun, run_id, ACT)
    found = services().check.preview(run_id)
    page = read_run(run_id)
    return render_template("operations/check.html", page=page, check=check_page(page.run, found))


@blueprint.post("/<uuid:run_id>/again")
def again(run_id: UUID) -> Response:
    """Start an operation with the input of an earlier run, and redirect to the new run."""
    with services().database.transaction() as session:
        run = authorized(session, OperationRun, run_id, ACT)
        environment = session.get_one(Environment, run.environment_id)
    if reason := why_not_again(run):
        raise Conflict(reason)
    requested = services().operations.start(
        operation_type=run.type,
        environment=environment,
        given={name: value for name, value in run.context.input.items() if value is not None},
        actor=current_principal().actor,
    )
    return redirect(url_for("operations.show", run_id=requested.run.id), HTTPStatus.SEE_OTHER)


@blueprint.post("/<uuid:run_id>/settle")
def settle(run_id: UUID) -> Response:
    """Settle a run by business truth, and redirect to it."""
    with services().database.transaction() as session:
        run = authorized(session, OperationRun, run_id, ACT)
    services().check.check(run.id, source="operator", actor=current_principal().actor)
    return redirect(url_for("operations.show", run_id=run_id), HTTPStatus.SEE_OTHER)
