from http import HTTPStatus

from flask import Response, url_for

from models.catalog import Capability
from models.environment import Environment
from models.restore import RestorePlan
from services.database.paging import page_of_all
from services.response_models import list_response
from services.restores.plans import RestorePlans
from services.restores.points import RestorePoints
from services.restores.response_models import RestorePlanAnswer, RestorePointAnswer, RestorePointListAnswer
from services.workspaces.queries import list_restore_points
from web.access import VIEW, authorized, current_principal
from web.api.authentication import api
from web.api.bodies import json_object, parse
from web.api.openapi.spec import EndpointSpec, Tag, created, documented, reads
from web.api.parameters import ShortListQuery, read_query
from web.api.requests import NewRestorePlan, NewRestorePoint
from web.api.responses import json_response
from web.context import fetching, services


@api.get("/environments/<environment_id>/restore-points")
@documented(reads(Tag.RESTORES, RestorePointListAnswer, query=ShortListQuery))
def show_restore_points(environment_id: str) -> Response:
    """List an environment's restore points, newest first."""
    query = read_query(ShortListQuery)
    with services().database.transaction() as session:
        environment = authorized(session, Environment, environment_id, VIEW)
        found = list_restore_points(session, environment)
    page = page_of_all(found, query.after, query.limit)
    return json_response(list_response(RestorePointListAnswer, page.items, following=page.next))


@api.post("/environments/<environment_id>/restore-points")
@documented(
    EndpointSpec(
        tag=Tag.RESTORES,
        body=NewRestorePoint,
        acts=True,
        conflicts="The environment has a restore point of this label already.",
        answers={HTTPStatus.CREATED: created(RestorePointAnswer)},
    )
)
def create_restore_point(environment_id: str) -> Response:
    """Pin the commit that a ref names now."""
    environment = _to_act_on(environment_id)
    given = parse(NewRestorePoint, json_object())
    with fetching(environment.workspace_id):
        point = RestorePoints(services().database, services().mirrors).create(
            environment, label=given.label, ref=given.ref, actor=current_principal().actor
        )
    location = url_for("api.show_restore_points", environment_id=environment.id)
    return json_response(RestorePointAnswer.model_validate(point), HTTPStatus.CREATED, location=location)


@api.post("/environments/<environment_id>/restore-plans")
@documented(
    EndpointSpec(
        tag=Tag.RESTORES,
        body=NewRestorePlan,
        acts=True,
        answers={HTTPStatus.CREATED: created(RestorePlanAnswer)},
    )
)
def create_restore_plan(environment_id: str) -> Response:
    """Preview a restore; the plan that is shown is the one that can be executed."""
    environment = _to_act_on(environment_id)
    given = parse(NewRestorePlan, json_object())
    with fetching(environment.workspace_id):
        plan = RestorePlans(services().database, services().mirrors).create(
            environment,
            restore_point_id=given.restore_point_id,
            mode=given.mode,
            items=given.items,
            actor=current_principal().actor,
        )
    location = url_for("api.show_restore_plan", plan_id=plan.id)
    return json_response(RestorePlanAnswer.model_validate(plan), HTTPStatus.CREATED, location=location)


@api.get("/restore-plans/<plan_id>")
@documented(reads(Tag.RESTORES, RestorePlanAnswer))
def show_restore_plan(plan_id: str) -> Response:
    """Show one restore plan with its changes."""
    with services().database.transaction() as session:
        found = authorized(session, RestorePlan, plan_id, VIEW)
    return json_response(RestorePlanAnswer.model_validate(found))


def _to_act_on(environment_id: str) -> Environment:
    with services().database.transaction() as session:
        return authorized(session, Environment, environment_id, Capability.OPERATIONS_ACT)
