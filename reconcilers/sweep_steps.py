from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from models.reconciliation import ExecutionState, ReconciliationDecision
from reconcilers.run_check import CheckResult
from reconcilers.run_judgement import Action


class SweepStep(StrEnum):
    """What a sweep does about a run, or about a workflow of ours that has none."""

    SETTLE = "settle"
    DISPATCH = "dispatch"
    TERMINATE = "terminate"
    DELIVER_CANCELLATION = "deliver_cancellation"
    ADOPT = "adopt"
    REFUSE = "refuse"
    LEAVE = "leave"


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """What a sweep would do about one run, and why.

    `workflow` is None where Temporal was not asked; `decision` is there exactly where the step is to settle.
    """

    step: SweepStep
    run_id: UUID
    why: str
    workflow: ExecutionState | None = None
    decision: ReconciliationDecision | None = None


_STEPS: Final = {
    Action.DISPATCH: (SweepStep.DISPATCH, "Temporal never confirmed the start and has no such workflow."),
    Action.TERMINATE: (SweepStep.TERMINATE, "The workflow task keeps failing; then the run is settled."),
}
_LEFT: Final = {
    ExecutionState.OPEN: "The workflow is open.",
    ExecutionState.NOT_FOUND: "The run was dispatched a moment ago.",
}


def foreseen(run_id: UUID, checked: CheckResult) -> Foreseen:
    """Return the row of a run that was checked without acting (`RunCheck.preview`)."""
    found = checked.reconciliation
    decision = found.decision if found and checked.action is Action.SETTLE else None
    step, why = _STEPS.get(checked.action, (SweepStep.LEAVE, "The facts decide nothing yet."))
    if found is not None and found.result == "unsupported":
        why = "No adapter decides about its type."
    elif checked.action is Action.LEAVE:
        why = _LEFT.get(checked.workflow or ExecutionState.CLOSED, "No workflow worked for this run.")
    elif decision is not None and found is not None:
        fences = found.facts is not None and found.facts.needs_fence
        step = SweepStep.SETTLE
        why = "A worker fences the push first." if fences else "The run's work is over."
    return Foreseen(step=step, run_id=run_id, why=why, workflow=checked.workflow, decision=decision)
