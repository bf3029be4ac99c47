"""The database by itself: what of a run may be deleted, and by whom."""

import re

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models.lifecycle import Status
from services.database.session import Database
from services.database.write_guard import WRITER
from services.runs.service import OperationRunService
from tests.database.populated import populate
from tests.factories import make_environment, make_run

THEIRS = ["operation_requests", "operation_run_transitions", "operation_run_histories"]


def refusal(database: Database, *statements: str) -> str:
    """Say what PostgreSQL answers to statements of which one must be refused."""
    with database.engine.connect() as connection:
        try:
            for statement in statements:
                connection.execute(text(statement))
        except DBAPIError as refused:
            return str(refused.orig)
    pytest.fail(f"PostgreSQL took all of {statements}")


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING])
def test_no_active_run_is_deleted_whoever_asks(database: Database, status: Status) -> None:
    with database.transaction() as session:
        run = make_run(session, make_environment(session), status=status)
    with (
        pytest.raises(DBAPIError, match=f"a run that is {status} is not deleted"),
        database.transaction() as session,
    ):
        OperationRunService(session).delete([run.id])


def test_no_run_is_deleted_that_a_review_or_a_restore_result_is_of(database: Database) -> None:
    populate(database, "own")
    announce = f"SET LOCAL operationrun.writer = '{WRITER}'"
    deletions = [f"DELETE FROM {table}" for table in (*THEIRS, "operation_runs")]
    assert re.search(
        "fk_(environment_reviews|restore_results)_run_id", refusal(database, announce, *deletions)
    )


@pytest.mark.parametrize("table", THEIRS)
def test_what_is_a_runs_own_goes_with_it_alone(database: Database, table: str) -> None:
    assert "go with their run" in refusal(database, f"DELETE FROM {table}")


@pytest.mark.parametrize("table", ["operation_runs", *THEIRS])
def test_the_web_deletes_nothing_of_a_run(database: Database, table: str) -> None:
    role = "SET LOCAL ROLE operationrun_web"
    assert f"permission denied for table {table}" in refusal(database, role, f"DELETE FROM {table}")
