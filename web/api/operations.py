from http import HTTPStatus
from typing import Any

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from models.environment import Environment
from web.api import parameters
from web.api.answers import answer
from web.api.authentication import principal
from web.api.blueprint import api
from web.api.bodies import json_object, parse
from web.api.finding import VIEW, find_environment, find_run, require_somewhere
from web.api.schemas import (
    ListAnswer,
    NewOperation,
    RunAnswer,
    queued_run_answer,
    requested_answer,
    run_answer,
)
from web.operations import capability_to_start, start_operation, waiting_of
from web.queries.filters import RunFilters
from web.queries.runs import list_runs, own_results
from web.services import services


@api.get("/operations")
def show_operations() -> Response:
    """List the runs in scope, newest first."""
    filters = RunFilters.parse(request.args)
    with services().database.transaction() as session:
        page = list_runs(
            session,
            workspaces=principal().workspaces_where(VIEW),
            filters=filters,
            after=parameters.after(),
            limit=parameters.limit(),
        )
        own = own_results(session, [run.id for run in page.items])
    return answer(
        ListAnswer[RunAnswer](items=[run_answer(run, own.get(run.id)) for run in page.items], next=page.next)
    )


@api.post("/operations")
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
        idempotency_key=parameters.idempotency_key(),
    )
    with services().database.transaction() as session:
        own = own_results(session, [requested.run.id]).get(requested.run.id)
    return answer(
        requested_answer(requested, own),
        HTTPStatus.OK if requested.deduplicated else HTTPStatus.ACCEPTED,
        location=url_for("api.show_operation", run_id=requested.run.id),
    )


@api.get("/operations/<run_id>")
def show_operation(run_id: str) -> Response:
    """Show one run; one that is queued with why it waits."""
    with services().database.transaction() as session:
        run = find_run(session, run_id)
        own = own_results(session, [run.id]).get(run.id)
    shown = run_answer(run, own)
    waiting = waiting_of(services(), run)
    return answer(queued_run_answer(shown, waiting) if waiting else shown)


def _environment_of(session: Session, body: dict[str, Any]) -> Environment | None:
    """Judge access by the environment that an unjudged body names; None where it names none."""
    capability = capability_to_start(body.get("type"))
    given = body.get("environment_id")
    if isinstance(given, str):
        return find_environment(session, given, capability)
    require_somewhere(capability)
    return None
