"""Law L7 on a real PostgreSQL, with real concurrency."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import func, select

from models.environment import Environment
from models.errors import IdempotencyKeyReused, InvalidInput, NotFound, RestoreInProgress
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRequest, OperationRun
from models.reason_codes import ReasonCode
from models.restore import RestorePlan
from services.database.session import Database
from services.runs.admission import Requested
from services.runs.service import OperationRunService
from tests.factories import (
    ADA,
    compose_input,
    correlation_of,
    decision,
    make_environment,
    make_plan,
    make_workspace,
    request_compose,
    request_restore,
)

CALLERS = 64


@pytest.fixture
def environment(database: Database) -> Environment:
    with database.transaction() as session:
        return make_environment(session)


@pytest.fixture
def plan(database: Database, environment: Environment) -> RestorePlan:
    with database.transaction() as session:
        return make_plan(session, environment)


def at_once(act: Callable[[int], UUID]) -> list[UUID]:
    barrier = Barrier(CALLERS)

    def caller(number: int) -> UUID:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(caller, range(CALLERS)))


def count(database: Database, table: type[OperationRun] | type[OperationRequest]) -> int:
    with database.transaction() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_concurrent_equal_requests_make_one_run(database: Database, environment: Environment) -> None:
    def act(_: int) -> UUID:
        with database.transaction() as session:
            return request_compose(session, environment).run.id

    assert len(set(at_once(act))) == 1
    assert count(database, OperationRun) == 1
    assert count(database, OperationRequest) == CALLERS


def test_concurrent_requests_with_one_key_make_one_request(
    database: Database, environment: Environment
) -> None:
    def act(_: int) -> UUID:
        with database.transaction() as session:
            return request_compose(session, environment, key="once").run.id

    assert len(set(at_once(act))) == 1
    assert count(database, OperationRequest) == 1


def test_concurrent_restores_with_different_plans_leave_one_active(
    database: Database, environment: Environment
) -> None:
    with database.transaction() as session:
        plans = [make_plan(session, environment) for _ in range(CALLERS)]

    def act(number: int) -> UUID:
        try:
            with database.transaction() as session:
                return request_restore(session, environment, plans[number]).run.id
        except RestoreInProgress as error:
            return UUID(error.run_id)

    assert len(set(at_once(act))) == 1
    assert count(database, OperationRun) == 1


def test_another_identity_is_another_run(database: Database, environment: Environment) -> None:
    with database.transaction() as session:
        first = request_compose(session, environment)
        other = request_compose(session, environment, ref="release-1")
    assert first.run.id != other.run.id
    assert not other.deduplicated


def test_a_run_that_ended_does_not_take_a_new_request_in(
    database: Database, environment: Environment
) -> None:
    with database.transaction() as session:
        ended = request_compose(session, environment).run
        service = OperationRunService(session)
        service.start(correlation_of(ended), compose_input(environment))
        service.succeed(correlation_of(ended), reason_code=ReasonCode.REVIEW_COMPOSED, summary_counts={})
        later = request_compose(session, environment)
    assert later.run.id != ended.id
    assert not later.deduplicated


def test_a_replayed_key_gets_its_run_for_good(database: Database, environment: Environment) -> None:
    with database.transaction() as session:
        first = request_compose(session, environment)
        folded = request_compose(session, environment, key="mine")
        service = OperationRunService(session)
        service.update_run_with_reconciliation(
            first.run.id, decision(Outcome.FAILED), source="operator", actor=ADA
        )
        later = request_compose(session, environment)
        replayed = request_compose(session, environment, key="mine")
    assert folded.run.id == first.run.id == replayed.run.id != later.run.id
    assert replayed.deduplicated


def test_a_key_with_another_body_names_the_fields(
    database: Database, environment: Environment, plan: RestorePlan
) -> None:
    with database.transaction() as session:
        request_compose(session, environment, key="mine")
    with database.transaction() as session, pytest.raises(IdempotencyKeyReused) as refused:
        request_compose(session, environment, ref="release-1", key="mine")
    assert refused.value.fields == ("input.ref",)
    with database.transaction() as session, pytest.raises(IdempotencyKeyReused) as refused:
        request_restore(session, environment, plan, key="mine")
    assert refused.value.fields == ("input.ref", "input.restore_plan_id", "type")


def test_a_restore_while_another_is_active_names_it(
    database: Database, environment: Environment, plan: RestorePlan
) -> None:
    with database.transaction() as session:
        active = request_restore(session, environment, plan).run
    with database.transaction() as session, pytest.raises(RestoreInProgress) as refused:
        request_restore(session, environment, make_plan(session, environment))
    assert refused.value.run_id == str(active.id)


def test_a_plan_of_another_environment_is_refused(database: Database, environment: Environment) -> None:
    with database.transaction() as session:
        foreign = make_plan(session, make_environment(session, make_workspace(session, "other")))
        with pytest.raises(InvalidInput) as refused:
            request_restore(session, environment, foreign)
        assert refused.value.field == "input.restore_plan_id"
        with pytest.raises(NotFound):
            request_compose(
                session, Environment(id=foreign.environment_id, workspace_id=environment.workspace_id)
            )
    assert count(database, OperationRun) == 0


def test_a_run_is_queued_with_its_canonical_dispatch(database: Database, environment: Environment) -> None:
    with database.transaction() as session:
        run: Requested = request_compose(session, environment, ref="release-1")
    assert run.run.status == Status.QUEUED
    assert run.run.context_json == {
        "input": {"ref": "release-1"},
        "dispatch": {
            "job_class": "workflows.review_compose.EnvironmentReviewComposeWorkflow",
            "queue": "operation-runs",
            "connection": "default",
            "dispatched_at": None,
            "correlation_version": 1,
            "operation_run_id": str(run.run.id),
        },
    }
