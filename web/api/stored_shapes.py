"""The shapes of what a row keeps as JSON: they document it, and it is passed on as it is."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue

from models.contracts import Cause
from models.lifecycle import Outcome, Status
from models.run_context import RunCancellation, RunContext, RunDispatch, RunReconciliation


class Shaped:
    """Documents a JSON value by a model, without holding the value to it."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    def __get_pydantic_json_schema__(self, _: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Give the model's schema in place of the value's own."""
        return handler(self._model.__pydantic_core_schema__)


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


class SummaryShape(BaseModel):
    """Files: how many there are, and how many of them changed since the review before, and how."""

    items: int
    added: int
    removed: int
    renamed: int
    changed: int
    unparsed: int


class FindingShape(BaseModel):
    """What a review found, and the items it rests on."""

    code: str
    severity: str
    title: str
    items: list[str]


class MissingShape(BaseModel):
    """What a report lacks to be shared."""

    code: str
    text: str


class ReadyShape(BaseModel):
    """Whether a report can be shared."""

    ready: bool
    missing: list[MissingShape]


class ReadinessShape(BaseModel):
    """Whether the reports of each profile can be shared."""

    executive: ReadyShape
    technical: ReadyShape
    audit: ReadyShape


class SettingShape(BaseModel):
    """One changed setting; a secret value is masked."""

    path: str
    before: Any
    after: Any


class FailureShape(BaseModel):
    """One failure; `attempts` is null where nobody counted them."""

    code: str
    step: str | None
    attempts: int | None
    at: datetime
    detail: str
