from datetime import timedelta
from http import HTTPStatus
from typing import Final

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from models.catalog import Capability
from models.environment import Environment
from models.lifecycle import TERMINAL
from models.operation_run import OperationRun
from reconcilers.response_models import CheckAnswer, check_answer
from services.runs.operations import capability_to_start, waiting_of
from services.runs.queries import own_results
from services.runs.response_models import (
    RunAnswer,
    RunListAnswer,
    ShownRunAnswer,
    queued_run_answer,
    run_answer,
)
from services.runs.search.filters import RunFilters
from services.runs.search.listing import list_runs
from services.runs.waiting.wait import CompletionWait
from web.access import VIEW, authorized, current_principal
from web.api.authentication import api
from web.api.bodies import JsonObject, json_object, optional_json_object, parse
from web.api.openapi.spec import Content, EndpointSpec, Tag, documented, reads
from web.api.parameters import IDEMPOTENCY_KEY, RunQuery, RunWait, idempotency_key, read_query
from web.api.requests import CheckRequest, NewOperation, Nothing
from web.api.responses import json_response
from web.api.scope import require_somewhere
from web.context import Services, services

_ASKED = Content(
    model=RunAnswer, description="The cancellation is asked for; the run is at `Location`.", has_location=True
)


@api.post("/operations/<run_id>/cancel")
@documented(
    EndpointSpec(
        tag=Tag.OPERATIONS,
        body=Nothing,
        body_optional=True,
        acts=True,
        conflicts="The run has already ended.",
        answers={HTTPStatus.ACCEPTED: _ASKED},
    )
)
def cancel_operation(run_id: str) -> Response:
    """Ask for a run's cancellation; asking again answers the same, and a run that has ended is a conflict."""
    with services().database.transaction() as session:
        run = authorized(session, OperationRun, run_id, Capability.OPERATIONS_ACT)
        own = own_results(session, [run.id]).get(run.id)
    parse(Nothing, optional_json_object())
    asked = services().cancellations.ask(run.id, current_principal().actor)
    location = url_for("api.show_operation", run_id=run.id)
    return json_response(run_answer(asked, own, services().links), HTTPStatus.ACCEPTED, location=location)


@api.post("/operations/<run_id>/reconcile")
@documented(
    EndpointSpec(
        tag=Tag.OPERATIONS,
        body=CheckRequest,
        body_optional=True,
        acts=True,
        answers={HTTPStatus.OK: Content(model=CheckAnswer, description="What came of the check.")},
    )
)
def reconcile_operation(run_id: str) -> Response:
    """Check a run against the engine and business truth, and settle it by them; a dry run only says how."""
    with services().database.transaction() as session:
        run = authorized(session, OperationRun, run_id, Capability.OPERATIONS_ACT)
    if parse(CheckRequest, optional_json_object()).dry_run:
        return json_response(check_answer(services().check.preview(run.id)))
    checked = services().check.check(run.id, source="operator", actor=current_principal().actor)
    return json_response(check_answer(checked))


# How long to wait before the next try, where too many wait already.
ASK_AGAIN: Final = timedelta(seconds=1)


def wait_for_completion(acting: Services, run: OperationRun, patience: timedelta) -> bool:
    """Wait for a run to be completed; return False at once where too many requests wait already.

    `Services.wait_slots` bounds how many of the process's threads wait, so that others still answer.
    """
    if not patience or run.status in TERMINAL:
        return True
    if not acting.wait_slots.acquire(blocking=False):
        return False
    try:
        CompletionWait(acting.database).is_completed_within(run.id, patience, stopping=acting.stopping)
    finally:
        acting.wait_slots.release()
    return True


_ACCEPTED = Content(model=RunAnswer, description="Accepted; its run is at `Location`.", has_location=True)
_FOUND = Content(
    model=RunAnswer, description="Another request's run does this work (`deduplicated`).", has_location=True
)


@api.get("/operations")
@documented(reads(Tag.OPERATIONS, RunListAnswer, query=RunQuery))
def show_operations() -> Response:
    """List the runs in scope, newest first."""
    query = read_query(RunQuery)
    filters = RunFilters.parse(request.args)
    with services().database.transaction() as session:
        page = list_runs(
            session,
            workspaces=current_principal().workspaces_where(VIEW),
            filters=filters,
            after=query.after,
            limit=query.limit,
        )
        own = own_results(session, [run.id for run in page.items])
    shown = [run_answer(run, own.get(run.id), services().links) for run in page.items]
    return json_response(RunListAnswer(items=shown, next=page.next))


@api.post("/operations")
@documented(
    EndpointSpec(
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
        _judge_access(session, body)
        given = parse(NewOperation, body)
        environment = session.get_one(Environment, given.environment_id)
    requested = services().operations.start(
        operation_type=given.type,
        environment=environment,
        given=given.input,
        actor=current_principal().actor,
        idempotency_key=idempotency_key(),
    )
    with services().database.transaction() as session:
        own = own_results(session, [requested.run.id]).get(requested.run.id)
    return json_response(
        run_answer(requested.run, own, services().links, deduplicated=requested.deduplicated),
        HTTPStatus.OK if requested.deduplicated else HTTPStatus.ACCEPTED,
        location=url_for("api.show_operation", run_id=requested.run.id),
    )


@api.get("/operations/<run_id>")
@documented(reads(Tag.OPERATIONS, ShownRunAnswer, query=RunWait, may_retry=True))
def show_operation(run_id: str) -> Response:
    """Show one run; one that is queued with why it waits.

    With `wait` it answers as soon as the run is completed, and after so many seconds at the latest. Where
    too many wait already it answers at once, and says in `Retry-After` when to ask again.
    """
    patience = timedelta(seconds=read_query(RunWait).wait)
    with services().database.transaction() as session:
        run = authorized(session, OperationRun, run_id, VIEW)
    waited = wait_for_completion(services(), run, patience)
    with services().database.transaction() as session:
        run = authorized(session, OperationRun, run_id, VIEW)
        own = own_results(session, [run.id]).get(run.id)
    shown = run_answer(run, own, services().links)
    waiting = waiting_of(services().engine_cache, run)
    shown = queued_run_answer(shown, waiting) if waiting else shown
    return json_response(shown, retry_after=None if waited else ASK_AGAIN)


def _judge_access(session: Session, body: JsonObject) -> None:
    """Judge access by the environment that an unjudged body names."""
    capability = capability_to_start(body.get("type"))
    named = body.get("environment_id")
    if isinstance(named, str):
        authorized(session, Environment, named, capability)
    else:
        require_somewhere(capability)
