"""Pruning on a real PostgreSQL: what goes, what is kept, and that nobody waits for it."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.base import Clock, utc_now
from models.catalog import OperationType
from models.correlation import Correlation
from models.environment import Environment
from models.errors import TablesLocked
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRequest, OperationRun, OperationRunHistory, OperationRunTransition
from models.restore import RestoreResult
from models.retention import Retention
from models.review import EnvironmentReview
from models.sweep import SweepCursor
from reconcilers.reconciler import AdapterRunReconciler
from reconcilers.run_check import RunCheck
from reconcilers.sweep import Sweep
from services.database.session import Database
from services.runs.admission import OperationRequests
from services.runs.cancellation import Cancellations
from services.runs.dispatch import Dispatcher
from services.runs.retention import Expired, PruneResult, RunRetention
from services.runs.service import OperationRunService
from tests.factories import (
    ADA,
    NOW,
    TARGET,
    compose_input,
    decision,
    make_environment,
    make_plan,
    make_run,
    request_compose,
    request_restore,
)
from tests.fake_engine import FakeEngine
from tests.mirrors import mirrors_under

EVERY = "succeeded=1d,partially_succeeded=1d,blocked=1d,attention_required=1d,failed=1d,cancelled=1d"
THEIRS = (OperationRequest, OperationRunTransition, OperationRunHistory)


@pytest.fixture
def environment(database: Database) -> Environment:
    with database.transaction() as session:
        return make_environment(session)


def in_days(days: int) -> Clock:
    return lambda: utc_now() + timedelta(days=days)


def prune(
    database: Database, *, days: int = 2, keep: str = EVERY, dry_run: bool = False, batch: int = 200
) -> Counter[PruneResult]:
    expired = RunRetention(database, Retention().changed(keep), clock=in_days(days)).prune(
        dry_run=dry_run, batch=batch
    )
    return total(expired)


def total(expired: Any) -> Counter[PruneResult]:
    return sum((each.results for each in expired), Counter[PruneResult]())


def completed(
    database: Database, environment: Environment, outcome: Outcome = Outcome.FAILED, count: int = 1
) -> list[UUID]:
    with database.transaction() as session:
        runs = [
            make_run(session, environment, status=Status.COMPLETED, outcome=outcome) for _ in range(count)
        ]
        session.add_all(
            OperationRunHistory(run_id=run.id, workspace_id=run.workspace_id, history=None, stored_at=NOW)
            for run in runs
        )
        return [run.id for run in runs]


def there(database: Database, table: type[Any] = OperationRun) -> set[UUID]:
    column = OperationRun.id if table is OperationRun else table.run_id
    with database.transaction() as session:
        return set(session.scalars(select(column)))


def add_review(session: Session, environment: Environment, run_id: UUID, **columns: Any) -> EnvironmentReview:
    review = EnvironmentReview(
        workspace_id=environment.workspace_id,
        environment_id=environment.id,
        run_id=run_id,
        **{"status": "draft", "sections": {}} | columns,
        fingerprint=str(uuid7()),
        commit="1" * 40,
        tree="2" * 40,
        composer_version="1",
        summary={},
        findings=[],
        composed_at=NOW,
    )
    session.add(review)
    session.flush()
    return review


@contextmanager
def before(database: Database, words: str, act: Callable[[], object], *, time: int = 1) -> Iterator[None]:
    """Do something just before the first statement, or a later one, that has certain words in it."""
    seen: list[str] = []

    def look(*given: Any) -> None:
        if words in given[2]:
            seen.append(given[2])
            if len(seen) == time:
                act()

    event.listen(database.engine, "before_cursor_execute", look)
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", look)
    assert seen, f"no statement has {words!r}"


def test_a_run_goes_with_all_that_is_its_own_and_with_nothing_else(
    database: Database, environment: Environment
) -> None:
    [old] = completed(database, environment)
    with database.transaction() as session:
        queued = make_run(session, environment).id
        running = make_run(session, environment, status=Status.RUNNING).id
        request_compose(session, environment, ref="main", key="nightly")
        folded = request_compose(session, environment, ref="main", key="again")

    assert prune(database) == {PruneResult.PRUNED: 1}

    assert there(database) == {queued, running, folded.run.id}
    assert [old in there(database, table) for table in THEIRS] == [False, False, False]
    assert there(database, OperationRequest) == there(database)


def test_a_key_of_a_pruned_run_may_be_used_anew(database: Database, environment: Environment) -> None:
    with database.transaction() as session:
        first = request_compose(session, environment, ref="main", key="nightly").run
        OperationRunService(session).update_run_with_reconciliation(
            first.id, decision(Outcome.FAILED), source="sweep", actor=ADA
        )
    prune(database)
    with database.transaction() as session:
        again = request_compose(session, environment, ref="main", key="nightly")
    assert not again.deduplicated
    assert again.run.id != first.id


def test_each_outcome_has_its_own_time(database: Database, environment: Environment) -> None:
    runs = {outcome: completed(database, environment, outcome)[0] for outcome in Retention().keep}
    keep = "succeeded=10d,failed=20d,blocked=forever"

    prune(database, days=9, keep=keep)
    assert there(database) == set(runs.values())
    prune(database, days=11, keep=keep)
    assert there(database) == set(runs.values()) - {runs[Outcome.SUCCEEDED]}
    prune(database, days=21, keep=keep)
    assert there(database) == set(runs.values()) - {runs[Outcome.SUCCEEDED], runs[Outcome.FAILED]}
    prune(database, days=5000, keep=keep)
    assert there(database) == {runs[Outcome.BLOCKED]}


def test_what_a_review_or_a_restore_names_is_kept(database: Database, environment: Environment) -> None:
    composed, replaced, archived, restored, last, free = completed(database, environment, count=6)
    with database.transaction() as session:
        live = add_review(session, environment, composed)
        add_review(
            session, environment, replaced, status="superseded", superseded_at=NOW, superseded_by_id=live.id
        )
        sections = {"restore": {"last_restore": {"run_id": str(last)}}}
        add_review(session, environment, archived, status="archived", archived_at=NOW, sections=sections)
        session.add(
            RestoreResult(
                workspace_id=environment.workspace_id,
                environment_id=environment.id,
                run_id=restored,
                restore_plan_id=make_plan(session, environment).id,
                items=[],
                summary={},
                created_at=NOW,
            )
        )

    results = prune(database)

    assert results == {PruneResult.PRUNED: 1, PruneResult.KEPT_BY_REVIEW: 4, PruneResult.KEPT_BY_RESTORE: 1}
    assert there(database) == {composed, replaced, archived, restored, last}
    assert free not in there(database)


def test_the_last_restore_of_an_environment_is_kept_for_the_next_review(
    database: Database, environment: Environment
) -> None:
    restores = []
    with database.transaction() as session:
        for outcome in (Outcome.FAILED, Outcome.CANCELLED):
            run = request_restore(session, environment, make_plan(session, environment)).run
            decided = decision(outcome).model_copy(update={"adapter": run.type})
            OperationRunService(session).update_run_with_reconciliation(
                run.id, decided, source="sweep", actor=ADA
            )
            restores.append(run.id)
    completed(database, environment)

    assert prune(database) == {PruneResult.PRUNED: 2, PruneResult.KEPT_BY_REVIEW: 1}
    assert there(database) == {restores[1]}


def test_a_run_is_kept_as_long_as_the_duplicate_that_names_it(
    database: Database, environment: Environment
) -> None:
    with database.transaction() as session:
        run = request_compose(session, environment).run
        duplicate = OperationRequests(session, target=TARGET).ensure_run(
            Correlation(operation_type=OperationType.ENVIRONMENT_REVIEW_COMPOSE, run_id=uuid7()),
            compose_input(environment),
        )
        OperationRunService(session).update_run_with_reconciliation(
            run.id, decision(Outcome.FAILED), source="sweep", actor=ADA
        )
    assert prune(database, keep="failed=1d,blocked=30d") == {PruneResult.KEPT_BY_RUN: 1}
    assert there(database) == {run.id, duplicate.id}

    assert prune(database, days=40, keep="failed=1d,blocked=30d") == {PruneResult.PRUNED: 2}
    assert there(database) == set()


def test_a_dry_run_tells_the_same_and_deletes_nothing(database: Database, environment: Environment) -> None:
    runs = completed(database, environment, count=5)
    with database.transaction() as session:
        add_review(session, environment, runs[0])

    told = prune(database, dry_run=True, batch=2)

    assert there(database) == set(runs)
    assert prune(database, batch=2) == told == {PruneResult.PRUNED: 4, PruneResult.KEPT_BY_REVIEW: 1}
    assert prune(database, batch=2) == {PruneResult.KEPT_BY_REVIEW: 1}


def test_it_counts_by_outcome_and_type(database: Database, environment: Environment) -> None:
    completed(database, environment, Outcome.FAILED, count=2)
    completed(database, environment, Outcome.CANCELLED)

    expired = RunRetention(database, Retention(), clock=in_days(500)).prune(dry_run=False)

    compose = OperationType.ENVIRONMENT_REVIEW_COMPOSE
    assert expired == [
        Expired(outcome="cancelled", type=compose, results=Counter({PruneResult.PRUNED: 1})),
        Expired(outcome="failed", type=compose, results=Counter({PruneResult.PRUNED: 2})),
    ]


def test_a_pruning_that_is_cut_short_keeps_what_it_did_and_the_next_goes_on(
    database: Database, environment: Environment
) -> None:
    completed(database, environment, count=7)

    def cut() -> None:
        raise KeyboardInterrupt

    with before(database, "DELETE FROM operation_runs", cut, time=3), pytest.raises(KeyboardInterrupt):
        prune(database, batch=2)

    assert len(there(database)) == 7 - 2 * 2
    assert there(database, OperationRequest) == there(database)
    assert prune(database, batch=2) == {PruneResult.PRUNED: 3}


def test_a_run_that_somebody_holds_is_left_to_the_next_pruning(
    database: Database, environment: Environment
) -> None:
    runs = completed(database, environment, count=3)
    with database.transaction() as session:
        session.execute(select(OperationRun).where(OperationRun.id == runs[1]).with_for_update())
        assert prune(database) == {PruneResult.PRUNED: 2, PruneResult.LOCKED: 1}
    assert there(database) == {runs[1]}
    assert prune(database) == {PruneResult.PRUNED: 1}


def test_nobody_waits_for_it(database: Database, environment: Environment) -> None:
    """While a batch is locked and deleted, others work on runs of the same environment as ever."""
    completed(database, environment, count=20)

    def work() -> None:
        with database.transaction() as session:
            session.execute(text("SET LOCAL lock_timeout = '1ms'"))
            make_run(session, environment, status=Status.COMPLETED, outcome=Outcome.SUCCEEDED)
            make_run(session, environment, status=Status.RUNNING)
            assert len(session.scalars(select(OperationRun)).all()) == 22

    # The last statement of the batch: everything of it is locked, and all but the runs deleted already.
    with before(database, "DELETE FROM operation_runs", work):
        assert prune(database) == {PruneResult.PRUNED: 20}
    assert len(there(database)) == 2


def test_it_does_not_wait_for_somebody_who_holds_the_tables(
    database: Database, environment: Environment
) -> None:
    runs = completed(database, environment, count=2)
    with database.transaction() as session:
        session.execute(text("LOCK TABLE operation_runs IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(TablesLocked, match="try again later"):
            prune(database)
    assert there(database) == set(runs)


def test_a_review_that_comes_in_between_keeps_its_run(database: Database, environment: Environment) -> None:
    runs = completed(database, environment, count=2)

    def compose() -> None:
        with database.transaction() as session:
            add_review(session, environment, runs[0])

    with before(database, "FOR UPDATE", compose):
        assert prune(database) == {PruneResult.PRUNED: 1, PruneResult.KEPT_BY_REVIEW: 1}
    assert there(database) == {runs[0]}


def test_two_prunings_at_once_share_the_work(database: Database, environment: Environment) -> None:
    completed(database, environment, count=60)
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: prune(database, batch=5), range(4)))
    assert there(database) == set()
    assert sum(each[PruneResult.PRUNED] for each in counts) == 60


def test_a_closed_workflow_whose_run_was_pruned_gets_no_other(
    database: Database, environment: Environment, tmp_path: Path
) -> None:
    [run_id] = completed(database, environment)
    workflow_id = Correlation(
        operation_type=OperationType.ENVIRONMENT_REVIEW_COMPOSE, run_id=run_id
    ).workflow_id
    engine = Remembering()
    engine.close(workflow_id, "terminated")
    prune(database)
    mirrors = mirrors_under(tmp_path, roots=[])
    dispatcher = Dispatcher(database, engine, public_url="http://tests")
    check = RunCheck(database, engine, AdapterRunReconciler(database, mirrors), dispatcher)

    result = Sweep(database, engine, check, Cancellations(database, engine), connection="default").run_once(
        SweepCursor()
    )

    assert (result.adopted, result.could_not_check, result.settled) == (0, 0, {})
    assert there(database) == set()


class Remembering(FakeEngine):
    """Lists every closed workflow as one that closed abnormally."""

    def closed_abnormally(self, since: datetime, *, limit: int) -> list[str]:  # noqa: ARG002
        return [*self.views]

    def open_workflows(self, since: datetime, *, limit: int) -> list[str]:  # noqa: ARG002
        return []
