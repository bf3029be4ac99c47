from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models.base import Json
from models.catalog import Capability, OperationType
from models.environment import Environment
from models.errors import Conflict, InvalidInput
from models.restore import PlannedChange, RestorePlan, RestorePoint
from services.database.paging import LARGEST_PAGE, decode_position
from services.restores.planned_items import count
from web.access import authorized, current_principal
from web.context import services
from web.problems import problem_of
from web.ui.forms import NO_FORM, SentForm
from web.ui.navigation import why_not
from web.ui.states import OF_PLANNED_CHANGE

blueprint = Blueprint("restore_plans", __name__, url_prefix="/restore-plans")

VIEW = Capability.OPERATIONS_VIEW
ACT = Capability.OPERATIONS_ACT


@blueprint.get("/<uuid:plan_id>")
def show(plan_id: UUID) -> str:
    """Show what a restore would do, item by item, and the button that does it."""
    return _page(plan_id, NO_FORM)


@blueprint.post("/<uuid:plan_id>/execute")
def execute(plan_id: UUID) -> Response:
    """Start the restore of a plan and redirect to its run."""
    plan, environment, _ = _read(plan_id, ACT)
    try:
        requested = services().operations.start(
            operation_type=OperationType.RESTORE_EXECUTE,
            environment=environment,
            given={"restore_plan_id": str(plan.id)},
            actor=current_principal().actor,
        )
    except (Conflict, InvalidInput) as error:
        page = _page(plan_id, SentForm.refused("execute", {}, error, fields=()))
        return make_response(page, problem_of(error).status)
    return redirect(url_for("operations.show", run_id=requested.run.id), HTTPStatus.SEE_OTHER)


def _page(plan_id: UUID, form: SentForm) -> str:
    plan, environment, point = _read(plan_id, VIEW)
    chosen = request.args.get("change", "")
    changes = [change for change in plan.changes if not chosen or change["change"] == chosen]
    counts = count(plan.changes)
    first = decode_position(request.args.get("after")) + 1
    return render_template(
        "restore_plans/show.html",
        plan=plan,
        environment=environment,
        point=point,
        counts={change: counts.get(change, 0) for change in PlannedChange},
        states=OF_PLANNED_CHANGE,
        chosen=chosen,
        changes=_ordered(changes)[first : first + LARGEST_PAGE],
        next=first + LARGEST_PAGE - 1 if first + LARGEST_PAGE < len(changes) else None,
        form=form,
        why_not=why_not(current_principal(), plan.workspace_id, ACT),
    )


def _read(plan_id: UUID, capability: Capability) -> tuple[RestorePlan, Environment, RestorePoint]:
    with services().database.transaction() as session:
        plan = authorized(session, RestorePlan, plan_id, capability)
        environment = session.get_one(Environment, plan.environment_id)
        return plan, environment, session.get_one(RestorePoint, plan.restore_point_id)


def _ordered(changes: list[Json]) -> list[Json]:
    """Put what a restore will do before what it will leave alone; within each, by path."""
    order = {change: place for place, change in enumerate(OF_PLANNED_CHANGE)}
    return sorted(changes, key=lambda change: (order[change["change"]], change["path"]))
