from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from models.actor import Actor
from models.base import Json
from models.catalog import OperationCatalog
from models.contracts.operation_input import OperationInput
from models.correlation import CORRELATION_VERSION, Correlation
from models.lifecycle import QUEUED, Outcome
from models.reason_codes import ReasonCode
from models.reconciliation import ReconciliationDecision, Related
from models.run_context import RunContext, RunDispatch
from services.runs.inputs import SCOPE, identity_of


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """Where Temporal gets a run: the task queue and the namespace (`connection`, law L4).

    `dispatched_at` is None until Temporal is known to have accepted the run, and `workflow_run_id`, its id of
    the execution, until that is known.
    """

    queue: str
    connection: str
    dispatched_at: datetime | None = None
    workflow_run_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """Everything that a new run's row is made of."""

    correlation: Correlation
    operation_input: OperationInput
    actor: Actor
    dispatch: Dispatch

    @cached_property
    def identity(self) -> str:
        """The same for two requests of the same work."""
        return identity_of(self.correlation.operation_type, self.operation_input)

    def refused_for(self, active_run_id: UUID) -> ReconciliationDecision:
        """Return the decision that this run is a duplicate of an active one."""
        decision = ReconciliationDecision(
            adapter=self.correlation.operation_type,
            outcome=Outcome.BLOCKED,
            reason_code=ReasonCode.ALREADY_IN_PROGRESS,
            related=Related(type="operation_run", id=active_run_id),
            evidence={"cause": None},
        )
        return decision.naming(self.correlation.workflow_id, self.dispatch.workflow_run_id)

    def columns(self, born_at: datetime, **context: Any) -> Json:
        """Return the values of the run's row, queued; `context` holds further fields of its RunContext."""
        if self.dispatch.workflow_run_id is not None:
            context["workflow_run_id"] = self.dispatch.workflow_run_id
        operation_type, run_id = self.correlation.operation_type, self.correlation.run_id
        return {
            "id": run_id,
            "workspace_id": self.operation_input.workspace_id,
            "environment_id": self.operation_input.environment_id,
            "type": operation_type,
            "status": QUEUED.status,
            "outcome": QUEUED.outcome,
            "identity": self.identity,
            "initiator_kind": self.actor.kind,
            "initiator_name": self.actor.name,
            "context_json": RunContext(
                input=self.operation_input.model_dump(mode="json", exclude={*SCOPE}),
                dispatch=RunDispatch(
                    job_class=OperationCatalog.get(operation_type).workflow_class,
                    queue=self.dispatch.queue,
                    connection=self.dispatch.connection,
                    dispatched_at=self.dispatch.dispatched_at,
                    correlation_version=CORRELATION_VERSION,
                    operation_run_id=run_id,
                ),
                **context,
            ).as_json(),
            "summary_counts": {},
            "failures": [],
            "created_at": born_at,
            "updated_at": born_at,
        }
