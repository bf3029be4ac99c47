"""The database by itself: what is refused of a ledger, a history or an audit once it is written (law L2)."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.database.session import Database
from services.database.write_guard import WRITER
from tests.database.populated import populate

KEPT = [
    "audit_entries",
    "environment_review_changes",
    "environment_reviews",
    "operation_requests",
    "operation_run_histories",
    "operation_run_transitions",
    "operation_runs",
    "restore_plans",
    "restore_results",
]
# How its own writer could try: announced, as OperationRunService is.
ANNOUNCED = f"SET LOCAL operationrun.writer = '{WRITER}'"


def refused_by(database: Database, *statements: str) -> str:
    """Return the constraint that refuses one of the statements; fail where PostgreSQL takes them all."""
    with database.engine.connect() as connection:
        try:
            for statement in statements:
                connection.execute(text(statement))
        except DBAPIError as refusal:
            return str(refusal.orig.diag.constraint_name)  # type: ignore[union-attr]
    pytest.fail(f"PostgreSQL took all of {statements}")


@pytest.mark.parametrize("table", KEPT)
def test_nothing_that_is_kept_is_truncated(database: Database, table: str) -> None:
    populate(database, "own")
    assert refused_by(database, ANNOUNCED, f"TRUNCATE {table} CASCADE").endswith("_truncate")


@pytest.mark.parametrize("table", ["environment_reviews", "environment_review_changes", "restore_results"])
def test_what_completed_a_run_is_not_deleted(database: Database, table: str) -> None:
    populate(database, "own")
    assert refused_by(database, ANNOUNCED, f"DELETE FROM {table}") == f"{table}_immutable"


def test_a_request_is_not_moved_to_another_run(database: Database) -> None:
    populate(database, "own")
    populate(database, "foreign")
    other = "SELECT id FROM operation_runs WHERE id <> operation_requests.run_id LIMIT 1"
    move = f"UPDATE operation_requests SET run_id = ({other})"
    assert refused_by(database, ANNOUNCED, move) == "operation_requests_immutable"


def test_a_history_is_not_changed_after_it_was_stored(database: Database) -> None:
    populate(database, "own")
    change = """UPDATE operation_run_histories SET history = '{"status": "completed"}'"""
    assert refused_by(database, ANNOUNCED, change) == "operation_run_histories_immutable"


def test_a_transition_is_the_services_alone(database: Database) -> None:
    populate(database, "own")
    forged = """
        INSERT INTO operation_run_transitions
            (workspace_id, run_id, from_status, from_outcome, to_status, to_outcome, reason_code,
             actor_kind, actor_name, at)
        SELECT workspace_id, run_id, from_status, from_outcome, to_status, to_outcome, reason_code,
             'user', 'mallory', at
        FROM operation_run_transitions
    """
    assert refused_by(database, forged) == "operation_run_transitions_one_writer"
