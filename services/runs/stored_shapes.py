"""The shapes of what a run's row keeps as JSON: they document it, and it is passed on as it is."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from models.catalog import OperationType
from models.contracts import Cause
from models.lifecycle import Outcome, Status
from models.reason_codes import ReasonCode
from models.reconciliation import Related, Source


class DispatchShape(BaseModel):
    """How the run was handed to Temporal; `dispatched_at` is null until it is known."""

    job_class: str
    queue: str
    connection: str
    dispatched_at: datetime | None
    correlation_version: Literal[1]
    operation_run_id: UUID


class PreviousShape(BaseModel):
    """How the run stood before it was reconciled."""

    status: Status
    outcome: Outcome


class EvidenceShape(BaseModel):
    """The facts a decision rests on; `cause` says why the workflow ended."""

    cause: Cause | None = None


class ReconciliationShape(BaseModel):
    """How the run was settled from business truth."""

    adapter: OperationType
    decision: Outcome
    reason_code: ReasonCode
    previous: PreviousShape
    related: Related | None
    source: Source
    evidence: EvidenceShape
    reconciled_at: datetime


class CancellationShape(BaseModel):
    """How far a cancellation has come; `point_of_no_return` is the commit it cannot undo."""

    requested_at: datetime
    requested_by: str
    delivered_at: datetime | None
    acknowledged_at: datetime | None
    point_of_no_return: str | None


class ContextShape(BaseModel):
    """What stands beside a run's columns; what does not apply is absent."""

    input: dict[str, Any]
    dispatch: DispatchShape
    reconciliation: ReconciliationShape | None = None
    cancellation: CancellationShape | None = None
    fingerprint: str | None = None
    intended_commit: str | None = None


class FailureShape(BaseModel):
    """One failure; `attempts` is null where nobody counted them."""

    code: str
    step: str | None
    attempts: int | None
    at: datetime
    detail: str
