"""The database by itself: what a run may become, whoever writes (section 4)."""

import itertools
import json

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.lifecycle import CORRECTIONS, MOVES, Outcome, Standing, Status
from models.operation_run import OperationRun
from services.database.session import Database
from services.database.write_guard import WRITER
from tests.factories import make_environment, make_run

STANDINGS = [
    Standing(status=status, outcome=outcome)
    for status in Status
    for outcome in Outcome
    if (status is Status.COMPLETED) == (outcome is not Outcome.PENDING)
]

SET = """
    UPDATE operation_runs SET
        status = :status,
        outcome = :outcome,
        started_at = CASE WHEN :status = 'queued' THEN NULL
                          WHEN :status = 'running' THEN coalesce(started_at, created_at)
                          ELSE started_at END,
        completed_at = CASE WHEN :status = 'completed' THEN coalesce(completed_at, created_at) END
    WHERE id = :id
"""


def announce(session: Session) -> None:
    session.execute(text("SELECT set_config('operationrun.writer', :writer, true)"), {"writer": WRITER})


def is_refused(database: Database, run: OperationRun, statement: str, **values: object) -> str | None:
    """Try a raw statement as the announced writer; return the constraint that refused it, or None."""
    with database.transaction() as session:
        announce(session)
        try:
            session.execute(text(statement), {"id": run.id, **values})
        except DBAPIError as error:
            session.rollback()
            name: str | None = error.orig.diag.constraint_name  # type: ignore[union-attr]
            return name or "unnamed"
        session.rollback()
    return None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(a, b, id=f"{a.status}/{a.outcome}->{b.status}/{b.outcome}")
        for a, b in itertools.product(STANDINGS, STANDINGS)
        if a != b
    ],
)
def test_it_takes_the_moves_of_the_table_and_no_other(
    database: Database, before: Standing, after: Standing
) -> None:
    with database.transaction() as session:
        run = make_run(session, make_environment(session), status=before.status, outcome=before.outcome)
    refused_by = is_refused(database, run, SET, status=after.status, outcome=after.outcome)
    if (before, after) in MOVES:
        assert refused_by is None
    else:
        # A correction is legal too, but not without the reconciliation that decides it.
        assert refused_by is not None


@pytest.mark.parametrize(("before", "after"), sorted(CORRECTIONS, key=str))
def test_it_takes_a_correction_with_its_reconciliation(
    database: Database, before: Standing, after: Standing
) -> None:
    with database.transaction() as session:
        run = make_run(session, make_environment(session), status=before.status, outcome=before.outcome)
    statement = """
        UPDATE operation_runs SET outcome = :outcome,
            context = jsonb_set(
                context, '{reconciliation,decision}', to_jsonb(CAST(:decision AS text)))
        WHERE id = :id
    """
    assert is_refused(database, run, statement, outcome=after.outcome, decision=after.outcome) is None
    assert (
        is_refused(database, run, statement, outcome=after.outcome, decision=before.outcome)
        == "operation_run_correction"
    )


def test_success_is_never_taken_back(database: Database) -> None:
    with database.transaction() as session:
        run = make_run(session, make_environment(session), status=Status.COMPLETED, outcome=Outcome.SUCCEEDED)
    statement = """
        UPDATE operation_runs SET outcome = 'failed',
            context = jsonb_set(context, '{reconciliation}', '{"decision": "failed"}') WHERE id = :id
    """
    assert is_refused(database, run, statement) == "operation_run_correction"


@pytest.mark.parametrize(
    "assignment",
    [
        "type = 'restore.execute'",
        "identity = 'other'",
        "created_at = now()",
        "initiator_name = 'somebody else'",
        "id = gen_random_uuid()",
    ],
)
def test_what_a_run_is_does_not_change(database: Database, assignment: str) -> None:
    with database.transaction() as session:
        run = make_run(session, make_environment(session))
    refused_by = is_refused(database, run, f"UPDATE operation_runs SET {assignment} WHERE id = :id")
    assert refused_by == "operation_run_identity"


def test_a_completed_run_keeps_its_times(database: Database) -> None:
    with database.transaction() as session:
        run = make_run(session, make_environment(session), status=Status.COMPLETED, outcome=Outcome.FAILED)
    statement = "UPDATE operation_runs SET completed_at = now() WHERE id = :id"
    assert is_refused(database, run, statement) == "operation_run_times"


BIRTH = """
    INSERT INTO operation_runs (id, workspace_id, environment_id, type, status, outcome, identity,
        initiator_kind, initiator_name, context, summary_counts, failures, created_at, started_at,
        completed_at, updated_at)
    SELECT gen_random_uuid(), workspace_id, environment_id, type, :status, :outcome, 'another', 'system', 'x',
        CASE WHEN :status = 'completed' THEN CAST(:reconciled AS jsonb) ELSE '{}' END, '{}', '[]', created_at,
        CASE WHEN :status = 'running' THEN created_at END,
        CASE WHEN :status = 'completed' THEN created_at END, created_at
    FROM operation_runs WHERE id = :id
"""


RECONCILED = {
    "reconciliation": {
        "adapter": "environment.review.compose",
        "decision": "blocked",
        "reason_code": "already_in_progress",
        "previous": {"status": "queued", "outcome": "pending"},
        "related": None,
        "source": "workflow",
        "evidence": {},
        "reconciled_at": "2026-06-01T12:00:00+00:00",
    }
}


@pytest.mark.parametrize("born", STANDINGS, ids=lambda born: f"{born.status}/{born.outcome}")
def test_a_run_is_born_queued_or_blocked(database: Database, born: Standing) -> None:
    with database.transaction() as session:
        run = make_run(session, make_environment(session))
    values = {"status": born.status, "outcome": born.outcome, "reconciled": json.dumps(RECONCILED)}
    refused_by = is_refused(database, run, BIRTH, **values)
    legal = {(Status.QUEUED, Outcome.PENDING), (Status.COMPLETED, Outcome.BLOCKED)}
    assert refused_by == (None if (born.status, born.outcome) in legal else "operation_run_birth")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE operation_runs SET status = 'completed', outcome = 'failed' WHERE id = :id",
        "UPDATE operation_runs SET context = '{}' WHERE id = :id",
        "UPDATE operation_runs SET failures = '[]' WHERE id = :id",
        "DELETE FROM operation_runs WHERE id = :id",
    ],
)
def test_it_refuses_whoever_does_not_announce_themselves(database: Database, statement: str) -> None:
    with database.transaction() as session:
        run = make_run(session, make_environment(session))
    with (
        pytest.raises(DBAPIError, match="written by OperationRunService alone"),
        database.transaction() as session,
    ):
        session.execute(text(statement), {"id": run.id})


@pytest.mark.parametrize("table", ["operation_run_transitions"])
def test_history_is_append_only(database: Database, table: str) -> None:
    with database.transaction() as session:
        make_run(session, make_environment(session))
    with pytest.raises(DBAPIError, match="kept as they were written"), database.transaction() as session:
        session.execute(text(f"UPDATE {table} SET actor_name = 'nobody'"))
