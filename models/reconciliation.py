from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from pydantic import Field, field_validator

from models.contracts import Cause, Contract, RelatedType
from models.lifecycle import Outcome
from models.reason_codes import ReasonCode

Source = Literal["workflow", "sweep", "operator"]


class Related(Contract):
    """The thing that a run led to, by type and id."""

    type: RelatedType
    id: UUID


class ReconciliationDecision(Contract):
    """How a run ends by business truth: the outcome, why, and what it led to (law L5).

    `evidence` holds small facts for the settlement receipt, `cause` among them: no secrets, no raw error
    text.
    """

    adapter: str
    outcome: Outcome
    reason_code: ReasonCode
    related: Related | None = None
    evidence: dict[str, Any] = Field(default_factory=dict)

    def naming(self, workflow_id: str, workflow_run_id: str | None) -> "ReconciliationDecision":
        """Return this decision with evidence that names the run's workflow (law L6).

        `workflow_run_id` is Temporal's own id of its execution; None where none is known to have worked.
        """
        workflow = {"workflow_id": workflow_id, "workflow_run_id": workflow_run_id}
        return self.model_copy(update={"evidence": self.evidence | workflow})

    @field_validator("outcome")
    @classmethod
    def _is_an_ending(cls, outcome: Outcome) -> Outcome:
        if outcome is Outcome.PENDING:
            raise ValueError("a decision ends a run; where nothing can be decided, there is no decision")
        return outcome


class ExecutionState(StrEnum):
    """The state of a run's workflow, by Temporal's word."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"
    NOT_FOUND = "not_found"


class Execution(Contract):
    """The state of a run's workflow, and why it closed or is about to.

    `cause` is None while the workflow is open, where it completed, and where it is not found and the
    caller has not concluded yet what that means.
    """

    state: ExecutionState
    cause: Cause | None = None

    @property
    def ended(self) -> bool:
        """Return whether the workflow does no more work; one that is closing counts as closed."""
        return self.state is not ExecutionState.OPEN


OPEN = Execution(state=ExecutionState.OPEN)
