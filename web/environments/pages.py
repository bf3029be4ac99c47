from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models.catalog import Capability, OperationType
from models.environment import Environment
from models.errors import InvalidInput, OperationRunError
from models.restore import RestoreMode
from services.restores.plans import RestorePlans
from services.restores.points import RestorePoints
from services.reviews.queries import list_reviews
from services.runs.search.filters import RunFilters
from services.runs.search.listing import list_runs
from services.workspaces.queries import list_environments, list_restore_points, list_workspaces
from web.access import authorized, current_principal
from web.context import fetching, services
from web.problems import problem_of
from web.runs.views import run_row
from web.ui.forms import NO_FORM, SentForm
from web.ui.navigation import why_not

blueprint = Blueprint("environments", __name__, url_prefix="/environments")

VIEW = Capability.OPERATIONS_VIEW
ACT = Capability.OPERATIONS_ACT
_RECENT = 6


@blueprint.get("")
def index() -> str:
    """List the environments that the reader may see, under their workspaces."""
    with services().database.transaction() as session:
        seen = current_principal().workspaces_where(VIEW)
        environments = list_environments(session, workspaces=seen)
        workspaces = list_workspaces(session, workspaces=seen)
    return render_template("environments/index.html", environments=environments, workspaces=workspaces)


@blueprint.get("/<uuid:environment_id>")
def show(environment_id: UUID) -> str:
    """Show one environment, its actions, and its recent runs and reviews."""
    return _page(environment_id, NO_FORM)


@blueprint.post("/<uuid:environment_id>/reviews")
def compose(environment_id: UUID) -> Response:
    """Start composing a review and redirect to its run."""
    ref = request.form.get("ref", "").strip()
    try:
        environment = _to_act_on(environment_id)
        requested = services().operations.start(
            operation_type=OperationType.ENVIRONMENT_REVIEW_COMPOSE,
            environment=environment,
            given={"ref": ref} if ref else {},
            actor=current_principal().actor,
        )
    except OperationRunError as error:
        return _refused(environment_id, "compose", ("ref",), error)
    return redirect(url_for("operations.show", run_id=requested.run.id), HTTPStatus.SEE_OTHER)


@blueprint.post("/<uuid:environment_id>/restore-points")
def create_restore_point(environment_id: UUID) -> Response:
    """Pin a restore point and redirect to the environment."""
    try:
        environment = _to_act_on(environment_id)
        with fetching(environment.workspace_id):
            RestorePoints(services().database, services().mirrors).create(
                environment,
                label=request.form.get("label", ""),
                ref=request.form.get("ref", "").strip(),
                actor=current_principal().actor,
            )
    except OperationRunError as error:
        return _refused(environment_id, "restore_point", ("label", "ref"), error)
    here = url_for("environments.show", environment_id=environment_id, _anchor="restore-points")
    return redirect(here, HTTPStatus.SEE_OTHER)


@blueprint.post("/<uuid:environment_id>/restore-plans")
def preview_restore(environment_id: UUID) -> Response:
    """Create a restore plan and redirect to it."""
    globs = [line.strip() for line in request.form.get("items", "").splitlines() if line.strip()]
    try:
        environment = _to_act_on(environment_id)
        with fetching(environment.workspace_id):
            plan = RestorePlans(services().database, services().mirrors).create(
                environment,
                restore_point_id=_point_id(request.form.get("restore_point_id", "")),
                mode=request.form.get("mode", ""),
                items=globs or None,
                actor=current_principal().actor,
            )
    except OperationRunError as error:
        return _refused(environment_id, "restore_plan", ("restore_point_id", "mode", "items"), error)
    return redirect(url_for("restore_plans.show", plan_id=plan.id), HTTPStatus.SEE_OTHER)


def _to_act_on(environment_id: UUID) -> Environment:
    with services().database.transaction() as session:
        return authorized(session, Environment, environment_id, ACT)


def _refused(environment_id: UUID, form: str, fields: tuple[str, ...], error: OperationRunError) -> Response:
    """Show the environment again with the refused form; re-raise a refusal of access."""
    status = problem_of(error).status
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
        raise error
    page = _page(environment_id, SentForm.refused(form, request.form, error, fields=fields))
    return make_response(page, status)


def _page(environment_id: UUID, form: SentForm) -> str:
    with services().database.transaction() as session:
        return _render(session, authorized(session, Environment, environment_id, VIEW), form)


def _render(session: Session, environment: Environment, form: SentForm) -> str:
    scope = frozenset({environment.workspace_id})
    filters = RunFilters(environment=str(environment.id))
    runs = list_runs(session, workspaces=scope, filters=filters, limit=_RECENT)
    reviews = list_reviews(session, workspaces=scope, environment_id=environment.id, limit=_RECENT)
    return render_template(
        "environments/show.html",
        environment=environment,
        restore_points=list_restore_points(session, environment),
        rows=[run_row(run, environment) for run in runs.items],
        reviews=reviews.items,
        modes=RestoreMode,
        form=form,
        why_not=why_not(current_principal(), environment.workspace_id, ACT),
    )


def _point_id(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise InvalidInput("restore_point_id", "Choose one of the restore points.") from None
