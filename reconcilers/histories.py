from datetime import timedelta
from typing import Final

from sqlalchemy.dialects.postgresql import insert

from models.base import Clock, utc_now
from models.operation_run import OperationRun, OperationRunHistory
from reconcilers.sweep_candidates import without_history
from services.database.session import Database
from services.engine.port import Engine
from services.runs.links import workflow_id_of
from services.runs.own_workflow import find_workflow

# A run that ended longer ago than this and has no history gets none: Temporal was away all the time.
WINDOW: Final = timedelta(days=1)
BATCH: Final = 100


class Histories:
    """Keeps the compact histories of runs, for when Temporal's retention has passed."""

    def __init__(self, database: Database, engine: Engine, *, clock: Clock = utc_now) -> None:
        self._database = database
        self._engine = engine
        self._clock = clock

    def keep(self) -> int:
        """Keep the histories of a batch of runs whose workflow has closed; return how many.

        Raises EngineUnreachable where Temporal does not answer.
        """
        with self._database.transaction() as session:
            runs = without_history(session, completed_after=self._clock() - WINDOW, limit=BATCH)
        return sum(map(self._keep, runs))

    def _keep(self, run: OperationRun) -> bool:
        worked = run.context.workflow_run_id
        if worked is None and find_workflow(self._engine, run).foreign:
            history = None
        else:
            history = self._engine.compact_history(workflow_id_of(run), workflow_run_id=worked)
        if history is not None and history["closed_at"] is None:
            return False
        statement = insert(OperationRunHistory).values(
            run_id=run.id, workspace_id=run.workspace_id, history=history, stored_at=self._clock()
        )
        with self._database.transaction() as session:
            session.execute(statement.on_conflict_do_nothing())
        return True
