"""What a sweep would do, by a preview whose database takes no writes and no row locks."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.exc import InternalError

from models.base import utc_now
from models.environment import Environment
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reconciliation import ExecutionState
from reconcilers import sweep_preview
from reconcilers.adapter import Facts
from reconcilers.adoption import Adoption
from reconcilers.reconciler import AdapterRunReconciler, Reconciliation
from reconcilers.run_check import CheckResult, RunCheck
from reconcilers.run_judgement import FAILING_ATTEMPTS, Action
from reconcilers.sweep_preview import Preview, SweepPreview
from reconcilers.sweep_steps import SweepStep, foreseen
from services.database.session import Database
from services.runs.service import OperationRunService
from tests.factories import (
    ADA,
    correlation_of,
    decision,
    make_run,
    make_workspace,
    start,
)
from tests.fake_engine import services_on
from tests.reconcilers.listing_engine import ListingEngine, input_of

RUN_ID = UUID(int=1)


def later() -> datetime:
    """Return when the preview looks: the runs of a test are idle by then."""
    return utc_now() + timedelta(minutes=2)


@pytest.fixture
def read_only(database_url: str, environment: Environment) -> Iterator[Database]:  # noqa: ARG001 # made before
    """The same database, which refuses every write and row lock on the connections that it makes."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        statement = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on")
        connection.execute(statement.format(sql.Identifier(connection.info.dbname)))
    read_only = Database.connect(database_url)
    yield read_only
    read_only.close()


@pytest.fixture
def preview(read_only: Database, engine: ListingEngine, tmp_path: Path) -> SweepPreview:
    services = services_on(engine, read_only, folder=tmp_path, roots=[], public_url="http://localhost")
    reconciler = AdapterRunReconciler(read_only, services.mirrors, fences=False)
    check = RunCheck(read_only, engine, reconciler, services.dispatcher, clock=later)
    adoption = Adoption(read_only, engine, connection="default")
    return SweepPreview(read_only, engine, check, adoption, clock=later)


def rows_of(preview: Preview, run_id: UUID) -> list[tuple[SweepStep, ExecutionState | None]]:
    return [(row.step, row.workflow) for row in preview.rows if row.run_id == run_id]


def test_runs_are_foreseen_by_what_became_of_their_workflows(
    database: Database, engine: ListingEngine, environment: Environment, preview: SweepPreview
) -> None:
    with database.transaction() as session:
        terminated, lost, at_work = (make_run(session, environment, status=Status.RUNNING) for _ in range(3))
        never_started = make_run(session, environment)
        recent = start(session, make_run(session, environment), clock=later)
        cancelled = make_run(session, environment)
        OperationRunService(session).request_cancel(cancelled.id, ADA)
    engine.close(correlation_of(terminated).workflow_id, "terminated")
    engine.closed.append(correlation_of(terminated).workflow_id)
    engine.open(correlation_of(at_work).workflow_id)
    engine.open(correlation_of(cancelled).workflow_id)

    found = preview.foresee()

    steps = {
        terminated: [(SweepStep.SETTLE, ExecutionState.CLOSED)],
        lost: [(SweepStep.SETTLE, ExecutionState.NOT_FOUND)],
        at_work: [(SweepStep.LEAVE, ExecutionState.OPEN)],
        never_started: [(SweepStep.DISPATCH, ExecutionState.NOT_FOUND)],
        recent: [(SweepStep.LEAVE, None)],
        cancelled: [(SweepStep.LEAVE, ExecutionState.OPEN), (SweepStep.DELIVER_CANCELLATION, None)],
    }
    assert {run.id: rows_of(found, run.id) for run in steps} == {run.id: rows for run, rows in steps.items()}
    decisions = {row.run_id: row.decision for row in found.rows if row.decision}
    assert {
        run_id: (each.outcome, each.reason_code, each.evidence["cause"]) for run_id, each in decisions.items()
    } == {
        terminated.id: ("failed", "review_not_composed", "terminated"),
        lost.id: ("failed", "review_not_composed", "history_gone"),
    }
    assert (engine.starts, engine.cancelled, engine.terminated) == ([], [], [])


def test_the_database_of_these_tests_refuses_a_write(read_only: Database) -> None:
    with pytest.raises(InternalError, match="read-only"), read_only.transaction() as session:
        make_workspace(session, "other")


def test_workflows_without_a_run_are_foreseen_as_adopted_or_refused(
    database: Database, engine: ListingEngine, environment: Environment, preview: SweepPreview
) -> None:
    with database.transaction() as session:
        elsewhere = make_workspace(session, "other").id
        known = make_run(session, environment)
    adopted = engine.start_directly(input_of(environment))
    foreign = engine.start_directly(input_of(environment) | {"workspace_id": str(elsewhere)})
    without_input = engine.start_directly({})
    engine.first_events[correlation_of(known).workflow_id] = next(iter(engine.first_events.values()))

    found = preview.foresee()

    assert rows_of(found, adopted) == [(SweepStep.ADOPT, ExecutionState.OPEN)]
    assert (
        rows_of(found, foreign) == rows_of(found, without_input) == [(SweepStep.REFUSE, ExecutionState.OPEN)]
    )
    with database.transaction() as session:
        assert session.get(OperationRun, adopted) is None


def test_a_preview_that_is_not_whole_says_so(
    database: Database,
    environment: Environment,
    preview: SweepPreview,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep_preview, "BATCH", 2)
    with database.transaction() as session:
        make_run(session, environment)
    assert preview.foresee().is_whole

    with database.transaction() as session:
        make_run(session, environment)
    assert not preview.foresee().is_whole


def test_a_workflow_whose_task_keeps_failing_would_be_terminated(
    database: Database, engine: ListingEngine, environment: Environment, preview: SweepPreview
) -> None:
    with database.transaction() as session:
        run = make_run(session, environment, status=Status.RUNNING)
    engine.open(correlation_of(run).workflow_id, failing_attempts=FAILING_ATTEMPTS, failing_since=utc_now())

    assert rows_of(preview.foresee(), run.id) == [(SweepStep.TERMINATE, ExecutionState.OPEN)]


class Unfenced(Facts):
    """Facts of a run with a push that has no answer yet."""

    @property
    def needs_fence(self) -> bool:
        return True


DECISION = decision(Outcome.FAILED)
DECIDED = Reconciliation(result="decision", decision=DECISION, facts=Facts())
UNFENCED = Reconciliation(result="decision", decision=DECISION, facts=Unfenced())
UNDECIDED = Reconciliation(result="no_decision", facts=Facts())


@pytest.mark.parametrize(
    ("action", "found", "workflow", "step", "why"),
    [
        (Action.SETTLE, DECIDED, ExecutionState.CLOSED, SweepStep.SETTLE, "work is over"),
        (Action.SETTLE, UNFENCED, ExecutionState.CLOSED, SweepStep.SETTLE, "fences the push first"),
        (Action.SETTLE, UNDECIDED, ExecutionState.CLOSED, SweepStep.LEAVE, "decide nothing yet"),
        (
            Action.SETTLE,
            Reconciliation(result="unsupported"),
            ExecutionState.CLOSED,
            SweepStep.LEAVE,
            "No adapter",
        ),
        (Action.DISPATCH, UNDECIDED, ExecutionState.NOT_FOUND, SweepStep.DISPATCH, "never confirmed"),
        (Action.TERMINATE, UNDECIDED, ExecutionState.OPEN, SweepStep.TERMINATE, "keeps failing"),
        # What the facts say of a run that is left alone is no decision of the sweep.
        (Action.LEAVE, DECIDED, ExecutionState.OPEN, SweepStep.LEAVE, "workflow is open"),
        (Action.LEAVE, UNDECIDED, ExecutionState.NOT_FOUND, SweepStep.LEAVE, "a moment ago"),
        (Action.LEAVE, UNDECIDED, ExecutionState.CLOSED, SweepStep.LEAVE, "No workflow worked"),
    ],
)
def test_each_check_has_its_step_and_its_reason(
    action: Action, found: Reconciliation, workflow: ExecutionState, step: SweepStep, why: str
) -> None:
    checked = CheckResult(action=action, reconciliation=found, workflow=workflow)

    row = foreseen(RUN_ID, checked)

    assert (row.step, row.run_id, row.workflow) == (step, RUN_ID, workflow)
    assert why in row.why
    assert row.decision == (DECISION if step is SweepStep.SETTLE else None)
