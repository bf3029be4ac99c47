"""The shapes of what a run's row keeps as JSON: they document it, and it is passed on as it is."""

from datetime import datetime

from pydantic import BaseModel

from models.contracts import Cause
from models.lifecycle import Outcome, Status
from models.run_context import RunCancellation, RunContext, RunDispatch, RunReconciliation


class DispatchShape(RunDispatch):
    """How the run was handed to Temporal; `dispatched_at` is null until it is known."""


class PreviousShape(BaseModel):
    """How the run stood before it was reconciled."""

    status: Status
    outcome: Outcome


class EvidenceShape(BaseModel):
    """The facts a decision rests on; `cause` says why the workflow ended."""

    cause: Cause | None = None


class ReconciliationShape(RunReconciliation):
    """How the run was settled from business truth."""

    previous: PreviousShape  # type: ignore[assignment] # published under a name of its own
    evidence: EvidenceShape  # type: ignore[assignment] # the one fact that every adapter gives


class CancellationShape(RunCancellation):
    """How far a cancellation has come; `point_of_no_return` is the commit it cannot undo."""


class ContextShape(RunContext):
    """What stands beside a run's columns; what does not apply is absent."""

    dispatch: DispatchShape
    reconciliation: ReconciliationShape | None = None
    cancellation: CancellationShape | None = None


class FailureShape(BaseModel):
    """One failure; `attempts` is null where nobody counted them."""

    code: str
    step: str | None
    attempts: int | None
    at: datetime
    detail: str
