from datetime import timedelta

from sqlalchemy.dialects.postgresql import insert

from models.base import Clock, utc_now
from models.catalog import OperationType
from models.correlation import Correlation
from models.operation_run import OperationRun, OperationRunHistory
from reconcilers.sweep_candidates import without_history
from services.database.session import Database
from services.engine.port import Engine

# A run that ended longer ago than this and has no history will not get one: Temporal was away all the time.
WINDOW = timedelta(days=1)
BATCH = 100


def keep_histories(database: Database, engine: Engine, *, clock: Clock = utc_now) -> int:
    """Keep the compact histories of runs whose workflow has closed (section 8); return how many.

    Raises EngineUnreachable where Temporal does not answer.
    """
    with database.transaction() as session:
        runs = without_history(session, completed_after=clock() - WINDOW, limit=BATCH)
    return sum(_keep(database, engine, run, clock) for run in runs)


def _keep(database: Database, engine: Engine, run: OperationRun, clock: Clock) -> bool:
    correlation = Correlation(operation_type=OperationType(run.type), run_id=run.id)
    history = engine.compact_history(correlation.workflow_id)
    if history is not None and history["closed_at"] is None:
        return False
    statement = insert(OperationRunHistory).values(
        run_id=run.id, workspace_id=run.workspace_id, history=history, stored_at=clock()
    )
    with database.transaction() as session:
        session.execute(statement.on_conflict_do_nothing())
    return True
