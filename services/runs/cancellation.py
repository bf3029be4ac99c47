from uuid import UUID

import structlog

from models.access import AuditAction
from models.actor import Actor
from models.base import Clock, utc_now
from models.errors import AlreadyCompleted, NotFound
from models.lifecycle import Status
from models.operation_run import OperationRun
from models.reconciliation import OPEN
from services.access.audit import Audit
from services.database.session import Database
from services.engine.port import Engine, EngineUnreachable
from services.runs.links import workflow_id_of
from services.runs.own_workflow import find_workflow
from services.runs.service import OperationRunService

_log = structlog.get_logger()


def why_not_cancel(run: OperationRun) -> str | None:
    """Return why cancelling a run would change nothing; None where it would."""
    if run.status == Status.COMPLETED:
        return "It has already ended."
    return "Its cancellation was asked for already." if run.context.cancellation else None


class Cancellations:
    """Cancels runs, step by step: requested, delivered, acknowledged at a safe point, settled."""

    def __init__(self, database: Database, engine: Engine, *, clock: Clock = utc_now) -> None:
        self._database = database
        self._engine = engine
        self._clock = clock

    def ask(self, run_id: UUID, actor: Actor) -> OperationRun:
        """Record the request and deliver it to Temporal; repeating it changes nothing.

        The run completes as cancelled only once its workflow has stopped: until then the workflow may still
        act. Raises NotFound, and AlreadyCompleted for a completed run.
        """
        with self._database.transaction() as session:
            requested = OperationRunService(session, clock=self._clock).request_cancel(run_id, actor)
            run = requested or session.get(OperationRun, run_id)
            if requested is not None:
                Audit(
                    session=session, workspace_id=requested.workspace_id, actor=actor, clock=self._clock
                ).record(AuditAction.RUN_CANCELLATION_REQUESTED, requested.type, subject_id=run_id)
        if run is None:
            raise NotFound
        if run.status == Status.COMPLETED:
            raise AlreadyCompleted
        return self.deliver(run)

    def deliver(self, run: OperationRun) -> OperationRun:
        """Deliver a requested cancellation to Temporal, once; the sweep repeats one that got no answer."""
        requested = run.context.cancellation
        if requested is not None and requested.delivered_at is not None:
            return run
        try:
            own = find_workflow(self._engine, run).own
            # A foreign workflow that has the run's id is not cancelled (law L6).
            delivered = own.execution == OPEN and self._engine.cancel(workflow_id_of(run))
        except EngineUnreachable:
            _log.warning("cancel_not_delivered", run_id=str(run.id))
            return run
        if not delivered:
            return run
        with self._database.transaction() as session:
            service = OperationRunService(session, clock=self._clock)
            return service.record_cancel_delivered(run.id) or session.get_one(OperationRun, run.id)
