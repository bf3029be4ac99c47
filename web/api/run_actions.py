from http import HTTPStatus

from flask import Response, url_for

from models.catalog import Capability
from web.api.answers import answer
from web.api.authentication import principal
from web.api.blueprint import api
from web.api.bodies import optional_json_object, parse
from web.api.finding import find_run
from web.api.requests import CheckRequest, Nothing
from web.api.schemas import CheckAnswer, RunAnswer, check_answer, run_answer
from web.openapi.promise import Content, Promise, Tag, promises
from web.queries.runs import own_results
from web.services import services

_ASKED = Content(
    model=RunAnswer, description="The cancellation is asked for; the run is at `Location`.", has_location=True
)


@api.post("/operations/<run_id>/cancel")
@promises(
    Promise(
        tag=Tag.OPERATIONS,
        body=Nothing,
        body_may_be_left_out=True,
        acts=True,
        conflicts="The run has already ended.",
        answers={HTTPStatus.ACCEPTED: _ASKED},
    )
)
def cancel_operation(run_id: str) -> Response:
    """Ask for a run's cancellation; asking again answers the same, and a run that has ended is a conflict."""
    with services().database.transaction() as session:
        run = find_run(session, run_id, Capability.OPERATIONS_ACT)
        own = own_results(session, [run.id]).get(run.id)
    parse(Nothing, optional_json_object())
    asked = services().cancellations.ask(run.id, principal().actor)
    location = url_for("api.show_operation", run_id=run.id)
    return answer(run_answer(asked, own), HTTPStatus.ACCEPTED, location=location)


@api.post("/operations/<run_id>/reconcile")
@promises(
    Promise(
        tag=Tag.OPERATIONS,
        body=CheckRequest,
        body_may_be_left_out=True,
        acts=True,
        answers={HTTPStatus.OK: Content(model=CheckAnswer, description="What came of the check.")},
    )
)
def reconcile_operation(run_id: str) -> Response:
    """Check a run against the engine and business truth, and settle it by them; a dry run only says how."""
    with services().database.transaction() as session:
        run = find_run(session, run_id, Capability.OPERATIONS_ACT)
    if parse(CheckRequest, optional_json_object()).dry_run:
        return answer(check_answer(services().check.preview(run.id)))
    checked = services().check.check(run.id, source="operator", actor=principal().actor)
    return answer(check_answer(checked))
