from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from models.actor import Actor
from models.base import Json
from models.catalog import OperationCatalog
from models.contracts.operation_input import OperationInput
from models.correlation import CORRELATION_VERSION, Correlation
from models.lifecycle import QUEUED
from models.run_context import RunContext, RunDispatch
from services.runs.inputs import SCOPE, identity_of


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """Where Temporal gets a run: the task queue and the namespace (`connection`, law L4).

    `dispatched_at` is None until Temporal is known to have accepted the run.
    """

    queue: str
    connection: str
    dispatched_at: datetime | None = None


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

    def columns(self, born_at: datetime, **context: Any) -> Json:
        """Return the values of the run's row, queued; `context` holds further fields of its RunContext."""
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
