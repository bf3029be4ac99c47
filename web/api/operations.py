from datetime import timedelta
from http import HTTPStatus

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from models.environment import Environment
from web.api.answers import answer
from web.api.authentication import principal
from web.api.blueprint import api
from web.api.bodies import JsonObject, json_object, parse
from web.api.finding import VIEW, find_environment, find_run, require_somewhere
from web.api.parameters import IDEMPOTENCY_KEY, RunQuery, RunWait, idempotency_key, read_query
from web.api.requests import NewOperation
from web.api.schemas import (
    RunAnswer,
    RunListAnswer,
    ShownRunAnswer,
    queued_run_answer,
    requested_answer,
    run_answer,
)
from web.openapi.promise import Content, Promise, Tag, promises, reads
from web.operations import capability_to_start, start_operation, waiting_of
from web.queries.filters import RunFilters
from web.queries.runs import list_runs, own_results
from web.run_waiting import ASK_AGAIN, wait_for_completion
from web.services import services

_ACCEPTED = Content(model=RunAnswer, description="Accepted; its run is at `Location`.", has_location=True)
_FOUND = Content(
    model=RunAnswer, description="Another request's run does this work (`deduplicated`).", has_location=True
)


@api.get("/operations")
@promises(reads(Tag.OPERATIONS, RunListAnswer, query=RunQuery))
def show_operations() -> Response:
    """List the runs in scope, newest first."""
    query = read_query(RunQuery)
    filters = RunFilters.parse(request.args)
    with services().database.transaction() as session:
        page = list_runs(
            session,
            workspaces=principal().workspaces_where(VIEW),
            filters=filters,
            after=query.after,
            limit=query.limit,
        )
        own = own_results(session, [run.id for run in page.items])
    shown = [run_answer(run, own.get(run.id)) for run in page.items]
    return answer(RunListAnswer(items=shown, next=page.next))


@api.post("/operations")
@promises(
    Promise(
        tag=Tag.OPERATIONS,
        headers=IDEMPOTENCY_KEY,
        body=NewOperation,
        acts=True,
        conflicts="The key was used with another body, or another restore of the environment is under way.",
        answers={HTTPStatus.ACCEPTED: _ACCEPTED, HTTPStatus.OK: _FOUND},
    )
)
def create_operation() -> Response:
    """Start an operation, or find the run that does this work already."""
    body = json_object()
    with services().database.transaction() as session:
        environment = _environment_of(session, body)
    given = parse(NewOperation, body)
    assert environment is not None  # noqa: S101 - a body without one does not parse
    requested = start_operation(
        services(),
        operation_type=given.type,
        environment=environment,
        given=given.input,
        actor=principal().actor,
        idempotency_key=idempotency_key(),
    )
    with services().database.transaction() as session:
        own = own_results(session, [requested.run.id]).get(requested.run.id)
    return answer(
        requested_answer(requested, own),
        HTTPStatus.OK if requested.deduplicated else HTTPStatus.ACCEPTED,
        location=url_for("api.show_operation", run_id=requested.run.id),
    )


@api.get("/operations/<run_id>")
@promises(reads(Tag.OPERATIONS, ShownRunAnswer, query=RunWait, may_retry=True))
def show_operation(run_id: str) -> Response:
    """Show one run; one that is queued with why it waits.

    With `wait` it answers as soon as the run is completed, and after so many seconds at the latest. Where
    too many wait already it answers at once, and says in `Retry-After` when to ask again.
    """
    patience = timedelta(seconds=read_query(RunWait).wait)
    with services().database.transaction() as session:
        run = find_run(session, run_id)
    waited = wait_for_completion(services(), run, patience)
    with services().database.transaction() as session:
        run = find_run(session, run_id)
        own = own_results(session, [run.id]).get(run.id)
    shown = run_answer(run, own)
    waiting = waiting_of(services(), run)
    shown = queued_run_answer(shown, waiting) if waiting else shown
    return answer(shown, again_after=None if waited else ASK_AGAIN)


def _environment_of(session: Session, body: JsonObject) -> Environment | None:
    """Judge access by the environment that an unjudged body names; None where it names none."""
    capability = capability_to_start(body.get("type"))
    given = body.get("environment_id")
    if isinstance(given, str):
        return find_environment(session, given, capability)
    require_somewhere(capability)
    return None
