from models.base import Clock, utc_now
from models.contracts.operation_input import OperationInput
from models.correlation import Correlation
from models.errors import InvalidInput, NotFound, RunRefused
from models.operation_run import OperationRun
from services.database.session import Database
from services.engine.port import Engine
from services.runs.admission import OperationRequests, check_scope
from services.runs.new_run import Dispatch
from services.runs.proof import work_of


class Adoption:
    """Registers runs of open workflows that were started directly and have no row yet."""

    def __init__(
        self, database: Database, engine: Engine, *, connection: str, clock: Clock = utc_now
    ) -> None:
        self._database = database
        self._engine = engine
        self._connection = connection
        self._clock = clock

    def adopt(self, workflow_id: str) -> OperationRun | None:
        """Register the run of an open workflow, by the laws of any registration.

        None: its type disagrees with its id, or its input or scope does not hold. Nothing is written then,
        and the workflow's own first step refuses it (law L6).
        """
        try:
            correlation, operation_input, target = self._work_of(workflow_id)
            with self._database.transaction() as session:
                requests = OperationRequests(session, target=target, clock=self._clock)
                return requests.ensure_run(correlation, operation_input)
        except RunRefused:
            return None

    def would_adopt(self, workflow_id: str) -> bool:
        """Return whether `adopt` would register a run now; write nothing."""
        try:
            _, operation_input, _ = self._work_of(workflow_id)
            with self._database.transaction() as session:
                check_scope(session, operation_input)
        except (InvalidInput, NotFound, RunRefused):
            return False
        return True

    def _work_of(self, workflow_id: str) -> tuple[Correlation, OperationInput, Dispatch]:
        """Return which work a workflow was started for; raise RunRefused for none of ours."""
        first = self._engine.first_event(workflow_id)
        if first is None:
            raise RunRefused
        correlation, operation_input = work_of(workflow_id, first)
        target = Dispatch(
            queue=first.task_queue,
            connection=self._connection,
            dispatched_at=first.started_at,
            workflow_run_id=first.workflow_run_id,
        )
        return correlation, operation_input, target
