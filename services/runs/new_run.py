from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from models.actor import Actor
from models.base import Json
from models.catalog import OperationCatalog
from models.contracts.operation_input import OperationInput
from models.correlation import CORRELATION_VERSION, Correlation
from models.lifecycle import QUEUED
from services.runs.inputs import identity_of


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """Where a run is handed to Temporal: the task queue and the namespace ("connection", law L4).

    `dispatched_at` is None as long as nobody knows that Temporal took the run.
    """

    queue: str
    connection: str
    dispatched_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """All that a run is born with."""

    correlation: Correlation
    operation_input: OperationInput
    actor: Actor
    dispatch: Dispatch

    @cached_property
    def identity(self) -> str:
        """What makes two requests the same work."""
        return identity_of(self.correlation.operation_type, self.operation_input)

    def columns(self, born_at: datetime) -> Json:
        """Return the row of the run, queued, with its canonical dispatch: exactly the keys of law L4."""
        operation_type, run_id = self.correlation.operation_type, self.correlation.run_id
        known_at = self.dispatch.dispatched_at
        scope = {"workspace_id", "environment_id"}
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
            "context": {
                "input": self.operation_input.model_dump(mode="json", exclude=scope),
                "dispatch": {
                    "job_class": OperationCatalog.get(operation_type).workflow_class,
                    "queue": self.dispatch.queue,
                    "connection": self.dispatch.connection,
                    "dispatched_at": known_at.isoformat() if known_at else None,
                    "correlation_version": CORRELATION_VERSION,
                    "operation_run_id": str(run_id),
                },
            },
            "summary_counts": {},
            "failures": [],
            "created_at": born_at,
            "updated_at": born_at,
        }
