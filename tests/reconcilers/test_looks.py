"""Looks at repositories: when the next is due, who takes it, and how many are taken at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from uuid import UUID

import pytest

from models.base import utc_now
from models.lifecycle import Outcome, completed
from models.reason_codes import ReasonCode
from models.reconciliation import ReconciliationDecision
from models.sweep import SweepCursor
from reconcilers.looks import LATER_LOOKS, PER_WORKSPACE, Looks, next_look
from reconcilers.sweep import Sweep
from services.database.session import Database
from services.runs.service import OperationRunService
from tests.factories import EXECUTION
from tests.fake_engine import FakeEngine, services_on
from tests.repositories.waiting import wait_until
from tests.restores.fenced_restores import FencedRestore
from tests.runs.seen_runs import see

ENDED = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def settled(reason: ReasonCode, fence: str | None = None) -> ReconciliationDecision:
    return ReconciliationDecision(
        adapter="restore.execute",
        outcome=Outcome.ATTENTION_REQUIRED,
        reason_code=reason,
        evidence={"fence": fence},
    )


@pytest.mark.parametrize("number", range(len(LATER_LOOKS)))
@pytest.mark.parametrize(
    "decision",
    [
        settled(ReasonCode.ENVIRONMENT_UNREACHABLE),
        settled(ReasonCode.RESTORE_NOT_APPLIED, "time"),
    ],
    ids=lambda decision: decision.reason_code,
)
def test_what_could_not_be_fenced_is_looked_at_three_times_more(
    decision: ReconciliationDecision, number: int
) -> None:
    due = ENDED + LATER_LOOKS[number]
    assert next_look(decision, ENDED, due - INSTANT) == due
    assert next_look(decision, ENDED, ENDED + LATER_LOOKS[-1]) is None


def test_what_was_fenced_is_not_looked_at_again() -> None:
    assert next_look(settled(ReasonCode.RESTORE_NOT_APPLIED, "ticket"), ENDED, ENDED) is None


def test_silent_repositories_of_one_workspace_leave_slots_to_the_others() -> None:
    one, another = UUID(int=1), UUID(int=2)
    answers, reached = Event(), Event()
    with ThreadPoolExecutor(2 * PER_WORKSPACE) as executor:
        looks = Looks(executor)
        taken = [looks.take(one, answers.wait) for _ in range(PER_WORKSPACE + 1)]
        elsewhere = looks.take(another, reached.set)
        assert reached.wait(10)
        answers.set()
        wait_until(lambda: looks.take(one, lambda: None))

    assert taken == [True] * PER_WORKSPACE + [False]
    assert elsewhere


@pytest.fixture
def restore(database: Database, repositories: Path, tmp_path: Path) -> FencedRestore:
    """A restore whose worker died before its push, settled by a sweep."""
    restore = FencedRestore.plan(database, repositories, tmp_path)
    restore.die_at("restore.before_push")
    return restore


@pytest.fixture
def sweep(
    database: Database, repositories: Path, tmp_path: Path, restore: FencedRestore
) -> Callable[[], None]:
    engine = FakeEngine()
    services = services_on(
        engine, database, folder=tmp_path, roots=[repositories], public_url="http://localhost"
    )
    engine.close(restore.correlation.workflow_id, "terminated", workflow_run_id=EXECUTION)
    sweeping = Sweep(database, engine, services.check, services.cancellations, connection="default")
    return lambda: (sweeping.run_once(SweepCursor()), None)[1]


def plan_look(restore: FencedRestore, at: datetime) -> None:
    with restore.database.transaction() as session:
        assert OperationRunService(session).plan_look(restore.run_id, at)


def test_a_look_that_is_due_settles_the_run(restore: FencedRestore, sweep: Callable[[], None]) -> None:
    plan_look(restore, utc_now())

    sweep()

    seen = see(restore.database, restore.run_id)
    assert seen.standing == completed(Outcome.FAILED)
    assert "look_claimed_until" not in seen.context
    assert restore.tickets == []


def test_a_look_that_another_sweep_has_claimed_is_left_to_it(
    restore: FencedRestore, sweep: Callable[[], None]
) -> None:
    plan_look(restore, utc_now() + timedelta(minutes=1))
    before = see(restore.database, restore.run_id)

    sweep()

    assert see(restore.database, restore.run_id) == before


def test_a_look_that_decides_nothing_is_taken_again(
    restore: FencedRestore, sweep: Callable[[], None]
) -> None:
    plan_look(restore, utc_now())
    restore.repository.hook("pre-receive", "echo 'later, please; lock' >&2; kill -9 $PPID")

    sweep()

    seen = see(restore.database, restore.run_id)
    assert seen.is_active
    assert seen.context["look_claimed_until"] > utc_now().isoformat()
