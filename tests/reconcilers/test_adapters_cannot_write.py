"""An adapter collects and decides; it cannot write a run in any way (laws L2 and L5)."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar
from uuid import UUID

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, object_session

from models.catalog import OperationType
from models.environment import Environment
from models.errors import LifecycleWriteError
from models.lifecycle import Outcome, Status, completed
from models.operation_run import OperationRun
from models.reconciliation import Execution, ExecutionState, ReconciliationDecision
from reconcilers.adapter import Adapter, AdapterRegistry, Facts, Outside
from reconcilers.reconciler import AdapterRunReconciler
from reconcilers.review_compose import ReviewComposeAdapter
from services.connections.access import EnvironmentMirrors
from services.database.session import Database
from tests.factories import ADA, decision, make_run
from tests.mirrors import mirrors_under
from tests.runs.seen_runs import see, steps_of

TERMINATED = Execution(state=ExecutionState.CLOSED, cause="terminated")

Way = Callable[[Session, OperationRun], None]


class NoFacts(Facts):
    """Facts of an adapter that reads nothing."""


class PlainAdapter:
    """Decides that nothing was composed, and at each step does what is planted there."""

    operation_type: ClassVar[OperationType] = OperationType.ENVIRONMENT_REVIEW_COMPOSE
    outside: ClassVar[type[Outside] | None] = None
    planted: ClassVar[Mapping[str, Way]] = {}

    def __init__(self, _: EnvironmentMirrors) -> None:
        """Take the mirrors, as every adapter does."""

    def collect(self, session: Session, run: OperationRun, execution: Execution) -> NoFacts:  # noqa: ARG002
        self._act("collect", run)
        return NoFacts()

    def decide(self, run: OperationRun, facts: NoFacts) -> ReconciliationDecision:  # noqa: ARG002
        self._act("decide", run)
        return decision(Outcome.FAILED)

    foresee = decide

    def record(
        self,
        session: Session,  # noqa: ARG002
        run: OperationRun,
        facts: NoFacts,  # noqa: ARG002
        decision: ReconciliationDecision,  # noqa: ARG002
    ) -> None:
        self._act("record", run)

    def _act(self, step: str, run: OperationRun) -> None:
        if step in self.planted:
            session = object_session(run)
            assert session is not None
            self.planted[step](session, run)


def sly(step: str, way: Way) -> type[Adapter]:
    """Return an adapter that tries a way to write at a step."""
    return type("SlyAdapter", (PlainAdapter,), {"planted": {step: way}})


def flush(session: Session, run: OperationRun) -> None:
    run.status, run.outcome = Status.COMPLETED, Outcome.SUCCEEDED
    session.flush()


def leave_dirty(session: Session, run: OperationRun) -> None:  # noqa: ARG001
    run.context_json = {**run.context_json, "reconciliation": {"decision": "succeeded"}}


def orm_update(session: Session, run: OperationRun) -> None:
    session.execute(update(OperationRun).where(OperationRun.id == run.id).values(outcome=Outcome.SUCCEEDED))


def table_update(session: Session, run: OperationRun) -> None:
    table = OperationRun.__table__
    session.execute(table.update().where(table.c.id == run.id).values(context={}))  # type: ignore[attr-defined] # a Table


def raw_sql(session: Session, run: OperationRun) -> None:
    statement = "UPDATE operation_runs SET context = context || '{\"reconciled\": true}' WHERE id = :id"
    session.execute(text(statement), {"id": run.id})


WAYS: dict[Way, type[Exception]] = {
    flush: LifecycleWriteError,
    leave_dirty: LifecycleWriteError,
    orm_update: LifecycleWriteError,
    table_update: DBAPIError,
    raw_sql: DBAPIError,
}


@pytest.fixture
def mirrors(tmp_path: Path) -> EnvironmentMirrors:
    return mirrors_under(tmp_path, roots=())


def born(database: Database, environment: Environment, status: Status = Status.RUNNING) -> UUID:
    with database.transaction() as session:
        return make_run(session, environment, status=status).id


def reconciler_with(
    database: Database, mirrors: EnvironmentMirrors, *adapters: type[Adapter]
) -> AdapterRunReconciler:
    registry = AdapterRegistry()
    for adapter in adapters:
        registry.register(adapter)
    return AdapterRunReconciler(database, mirrors, registry=registry)


def test_a_plain_adapter_has_its_decision_written(
    database: Database, environment: Environment, mirrors: EnvironmentMirrors
) -> None:
    run_id = born(database, environment)
    reconciler = reconciler_with(database, mirrors, PlainAdapter)

    settled = reconciler.reconcile(run_id, TERMINATED, source="sweep", actor=ADA)

    assert (settled.result, settled.written) == ("decision", True)
    assert see(database, run_id).standing == completed(Outcome.FAILED)


@pytest.mark.parametrize("step", ["collect", "decide", "record"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_no_adapter_can_write_by_itself(
    database: Database,
    environment: Environment,
    mirrors: EnvironmentMirrors,
    way: Way,
    step: str,
) -> None:
    run_id = born(database, environment)
    before, steps = see(database, run_id), steps_of(database, run_id)
    reconciler = reconciler_with(database, mirrors, sly(step, way))

    with pytest.raises(WAYS[way]):
        reconciler.reconcile(run_id, TERMINATED, source="sweep", actor=ADA)

    assert see(database, run_id) == before
    assert steps_of(database, run_id) == steps


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_no_adapter_can_write_in_a_preview(
    database: Database,
    environment: Environment,
    mirrors: EnvironmentMirrors,
    way: Way,
) -> None:
    run_id = born(database, environment)
    before = see(database, run_id)

    with pytest.raises(WAYS[way]):
        reconciler_with(database, mirrors, sly("collect", way)).preview(run_id, TERMINATED)

    assert see(database, run_id) == before


def test_what_an_adapter_changes_in_place_is_not_kept(
    database: Database, environment: Environment, mirrors: EnvironmentMirrors
) -> None:
    def change_in_place(_: Session, run: OperationRun) -> None:
        run.context_json["reconciled"] = True

    run_id = born(database, environment)
    reconciler = reconciler_with(database, mirrors, sly("collect", change_in_place))
    reconciler.reconcile(run_id, TERMINATED, source="sweep", actor=ADA)

    assert see(database, run_id).context.keys() == {"input", "dispatch", "reconciliation"}


def test_a_type_without_adapter_is_unsupported_and_nothing_is_written(
    database: Database, environment: Environment, mirrors: EnvironmentMirrors
) -> None:
    run_id = born(database, environment)
    before, steps = see(database, run_id), steps_of(database, run_id)
    reconciler = reconciler_with(database, mirrors)

    settled = reconciler.reconcile(run_id, TERMINATED, source="sweep", actor=ADA)

    assert (settled.result, settled.decision, settled.written) == ("unsupported", None, False)
    assert reconciler.preview(run_id, TERMINATED).result == "unsupported"
    assert see(database, run_id) == before
    assert steps_of(database, run_id) == steps


def test_a_second_adapter_for_a_type_is_refused_by_name() -> None:
    registry = AdapterRegistry()
    registry.register(PlainAdapter)

    with pytest.raises(RuntimeError, match=r"environment\.review\.compose .* PlainAdapter .*Second"):
        registry.register(type("SecondAdapter", (PlainAdapter,), {}))

    assert registry.find(OperationType.ENVIRONMENT_REVIEW_COMPOSE) is PlainAdapter


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING])
def test_a_preview_tells_the_decision_and_writes_nothing(
    database: Database, environment: Environment, mirrors: EnvironmentMirrors, status: Status
) -> None:
    run_id = born(database, environment, status)
    before, steps = see(database, run_id), steps_of(database, run_id)
    reconciler = reconciler_with(database, mirrors, ReviewComposeAdapter)

    previewed = reconciler.preview(run_id, TERMINATED)

    assert (previewed.result, previewed.written) == ("decision", False)
    assert previewed.decision is not None
    assert previewed.decision.outcome == Outcome.FAILED
    assert see(database, run_id) == before
    assert steps_of(database, run_id) == steps

    settled = reconciler.reconcile(run_id, TERMINATED, source="operator", actor=ADA)
    assert (settled.decision, settled.facts) == (previewed.decision, previewed.facts)
    assert settled.written
