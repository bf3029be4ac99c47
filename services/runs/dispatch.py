import re
from collections.abc import Callable
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import Clock, utc_now
from models.catalog import OperationCatalog
from models.contracts import Failure
from models.contracts.operation_input import OperationInput
from models.contracts.review_compose import ReviewComposeInput
from models.correlation import Correlation
from models.environment import Environment
from models.errors import DispatchFailed, StartUnconfirmed
from models.operation_run import OperationRun
from models.restore import RestorePlan, RestorePoint
from services.database.session import Database
from services.engine.port import WorkflowStart, WorkflowStarter
from services.runs.inputs import input_of
from services.runs.service import OperationRunService

_log = structlog.get_logger()

_SUMMARY_LENGTH: Final = 200
_MARKDOWN: Final = re.compile(r"([\\`*_\[\]<>&!~|#])")


class Dispatcher:
    """Hands queued runs to Temporal."""

    def __init__(
        self,
        database: Database,
        starter: WorkflowStarter,
        *,
        public_url: str,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._starter = starter
        self.public_url = public_url
        self._clock = clock

    def dispatch_or_fail(self, run_id: UUID, start: WorkflowStart | None = None) -> OperationRun:
        """Start the workflow of a queued run, once its transaction has committed; return the run (law L4).

        `start` as `describe_start` gave it; None: it is read from the run. A start refused for good
        completes the run as failed (`dispatch_failed`). One whose answer never came leaves it queued: the
        workflow may be running already, and the sweep finds that by its id.
        """
        if start is None:
            with self._database.transaction() as session:
                start = describe_start(
                    session, session.get_one(OperationRun, run_id), public_url=self.public_url
                )
        change = self._start(run_id, start)
        with self._database.transaction() as session:
            return change(OperationRunService(session, clock=self._clock)) or session.get_one(
                OperationRun, run_id
            )

    def _start(
        self, run_id: UUID, start: WorkflowStart
    ) -> Callable[[OperationRunService], OperationRun | None]:
        """Start the workflow; return the transition that Temporal's answer calls for."""
        try:
            self._starter.start(start)
        except StartUnconfirmed:
            _log.warning("start_unconfirmed", run_id=str(run_id), workflow_id=start.workflow_id)
            return lambda _: None
        except DispatchFailed as error:
            _log.warning(
                "start_refused", run_id=str(run_id), workflow_id=start.workflow_id, reason=str(error)
            )
            failure = Failure(
                code=DispatchFailed.code, step="start", attempts=1, at=self._clock(), detail=str(error)
            )
            return lambda service: service.fail_dispatch(run_id, failure)
        at = self._clock()
        return lambda service: service.record_dispatched(run_id, at)


def describe_start(session: Session, run: OperationRun, *, public_url: str) -> WorkflowStart:
    """Return everything that Temporal gets to start a run's workflow."""
    environment = session.get_one(Environment, run.environment_id)
    operation = OperationCatalog.get(run.type)
    operation_input = input_of(run)
    url = f"{public_url}/operations/{run.id}"
    return WorkflowStart(
        workflow_id=Correlation(operation_type=operation.type, run_id=run.id).workflow_id,
        workflow_type=operation.type,
        task_queue=run.context.dispatch.queue,
        operation_input=operation_input,
        execution_timeout=operation.execution_timeout,
        summary=_plain(f"{operation.label} of {environment.name}{_aim(session, operation_input)}"),
        details=f"Run [{run.id}]({url}), requested by {_plain(run.initiator_name)}.",
        search_attributes={
            "OperationRunId": str(run.id),
            "OperationType": operation.type,
            "WorkspaceId": str(run.workspace_id),
            "EnvironmentId": str(run.environment_id),
        },
    )


def _aim(session: Session, operation_input: OperationInput) -> str:
    """Word the ref that a review is composed from, or the restore point of a restore."""
    if isinstance(operation_input, ReviewComposeInput):
        return f" from {operation_input.ref}" if operation_input.ref else ""
    point = select(RestorePoint.label).join(RestorePlan, RestorePlan.restore_point_id == RestorePoint.id)
    return f" to {session.scalars(point.where(RestorePlan.id == operation_input.restore_plan_id)).one()}"


def _plain(text: str) -> str:
    """Escape a text, so that Temporal's console shows a name literally and not as Markdown or HTML."""
    return _MARKDOWN.sub(r"\\\1", text[:_SUMMARY_LENGTH])
