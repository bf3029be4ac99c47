"""Law L2: only OperationRunService writes a run; here the run-time guard."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, update

from models.errors import LifecycleWriteError
from models.lifecycle import Outcome, Status
from models.operation_run import LIFECYCLE_COLUMNS, OperationRun
from services.database.session import Database
from tests.factories import make_environment, make_run

OTHER_VALUES = {
    "status": Status.COMPLETED,
    "outcome": Outcome.FAILED,
    "context_json": {"reconciliation": {}},
    "summary_counts": {"items": 1},
    "failures": [{"code": "x"}],
    "started_at": datetime(2026, 1, 1, tzinfo=UTC),
    "completed_at": datetime(2026, 1, 1, tzinfo=UTC),
    "updated_at": datetime(2026, 1, 1, tzinfo=UTC),
}


def test_every_lifecycle_column_is_tried_below() -> None:
    assert OTHER_VALUES.keys() == LIFECYCLE_COLUMNS


@pytest.mark.parametrize("column", sorted(LIFECYCLE_COLUMNS))
def test_a_flush_that_dirties_a_lifecycle_column_raises(database: Database, column: str) -> None:
    with database.transaction() as session:
        run_id = make_run(session, make_environment(session)).id
    with pytest.raises(LifecycleWriteError), database.transaction() as session:
        setattr(session.get_one(OperationRun, run_id), column, OTHER_VALUES[column])


def test_a_run_that_is_added_or_deleted_by_hand_raises(database: Database) -> None:
    with database.transaction() as session:
        run_id = make_run(session, make_environment(session)).id
    with pytest.raises(LifecycleWriteError), database.transaction() as session:
        session.delete(session.get_one(OperationRun, run_id))
    with pytest.raises(LifecycleWriteError), database.transaction() as session:
        session.add(OperationRun(status=Status.QUEUED))


def test_an_update_or_delete_statement_raises(database: Database) -> None:
    with pytest.raises(LifecycleWriteError), database.transaction() as session:
        session.execute(update(OperationRun).values(outcome=Outcome.SUCCEEDED))
    with pytest.raises(LifecycleWriteError), database.transaction() as session:
        session.execute(delete(OperationRun))
