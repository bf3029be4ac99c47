from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from models.errors import Conflict
from services.workspaces.queries import get_environment
from web.access import find_run_to_act_on
from web.context import services
from web.runs.cancellation import point_of_no_return
from web.runs.check_page import check_page
from web.runs.run_page import read_run
from web.runs.views import why_not_again

blueprint = Blueprint("run_actions", __name__, url_prefix="/operations")


@blueprint.get("/<uuid:run_id>/cancellation")
def confirm_cancel(run_id: UUID) -> str:
    """Ask once more before a run is cancelled, and say what that can still undo."""
    page = read_run(run_id)
    return render_template("operations/cancel.html", page=page, beyond=point_of_no_return(page.run))


@blueprint.post("/<uuid:run_id>/cancel")
def cancel(run_id: UUID) -> Response:
    """Ask for a run's cancellation and lead back to it; one that has ended is a calm 409."""
    with services().database.transaction() as session:
        run, principal = find_run_to_act_on(session, run_id)
    services().cancellations.ask(run.id, principal.actor)
    return redirect(url_for("operations.show", run_id=run_id), HTTPStatus.SEE_OTHER)


@blueprint.post("/<uuid:run_id>/check")
def check(run_id: UUID) -> str:
    """Show what a check would decide and from which facts, and write nothing."""
    with services().database.transaction() as session:
        find_run_to_act_on(session, run_id)
    found = services().check.preview(run_id)
    page = read_run(run_id)
    return render_template("operations/check.html", page=page, check=check_page(page.run, found))


@blueprint.post("/<uuid:run_id>/again")
def again(run_id: UUID) -> Response:
    """Start an operation with the same input as an earlier one, and lead to its run."""
    with services().database.transaction() as session:
        run, principal = find_run_to_act_on(session, run_id)
        environment = get_environment(session, run.environment_id)
    assert environment is not None  # noqa: S101 - a foreign key holds it there
    if why_not_again(run) is not None:
        raise Conflict(why_not_again(run))
    requested = services().operations.start(
        operation_type=run.type,
        environment=environment,
        given={name: value for name, value in run.context.input.items() if value is not None},
        actor=principal.actor,
    )
    return redirect(url_for("operations.show", run_id=requested.run.id), HTTPStatus.SEE_OTHER)


@blueprint.post("/<uuid:run_id>/settle")
def settle(run_id: UUID) -> Response:
    """Settle a run by what is true now, and lead back to it."""
    with services().database.transaction() as session:
        run, principal = find_run_to_act_on(session, run_id)
    services().check.check(run.id, source="operator", actor=principal.actor)
    return redirect(url_for("operations.show", run_id=run_id), HTTPStatus.SEE_OTHER)
