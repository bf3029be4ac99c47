from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reconciliation import ExecutionState
from services.engine.port import WorkflowView
from services.runs.queries import BusinessTruth, own_review

# A run completes a moment before its workflow closes; one that fails, a moment after (by a check).
A_MOMENT: Final = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class Consistency:
    """Whether ledger, workflow and result agree, and a sentence that says so and what happens next.

    `agrees` None: one of them is not known, and nothing is claimed.
    """

    agrees: bool | None
    sentence: str


def agreement_of(
    run: OperationRun, view: WorkflowView | None, truth: BusinessTruth | None, now: datetime
) -> Consistency:
    """Compare the ledger with the result, then with the workflow; the first difference is reported."""
    apart = _result_apart(run, truth) or _work_apart(run, view, now)
    if apart is not None:
        return Consistency(agrees=False, sentence=apart)
    if view is None and truth is None:
        return Consistency(
            agrees=None, sentence="Only the record is known just now, so it cannot be compared."
        )
    if view is None:
        return Consistency(
            agrees=None, sentence="The record and the result agree. The work could not be asked about."
        )
    if truth is None:
        return Consistency(
            agrees=None, sentence="The record and the work agree. The result could not be read."
        )
    if _is_beginning(run, now):
        return Consistency(agrees=True, sentence="It was asked for a moment ago.")
    if _is_closing(run, view, now):
        return Consistency(
            agrees=True, sentence="They agree: its end is recorded, and the work is just closing."
        )
    return Consistency(agrees=True, sentence="They agree.")


def _work_apart(run: OperationRun, view: WorkflowView | None, now: datetime) -> str | None:
    """Word how ledger and workflow differ; None where they agree or the workflow is not known."""
    if view is None or _is_beginning(run, now):
        return None
    state = view.execution.state
    if run.status != Status.COMPLETED:
        return _active_apart(run, state)
    if state is ExecutionState.OPEN and not _is_closing(run, view, now):
        return (
            "The record says that it ended, and the work is still open. It cannot change what is recorded; "
            "whoever runs this installation can end it."
        )
    stopped = view.execution.cause in {"terminated", "timed_out", "cancelled"}
    if stopped and run.outcome == Outcome.SUCCEEDED and run.context.reconciliation is None:
        return (
            "The work was stopped when its result was there already. The result stands: a success is never "
            "taken back. Nothing more happens."
        )
    return None


def _active_apart(run: OperationRun, state: ExecutionState) -> str | None:
    if state is not ExecutionState.OPEN and run.context.unanswered_push:
        return (
            "The work has ended, and its change may still arrive. The run stays open until the repository "
            "confirms what happened; the regular check asks it every few seconds."
        )
    if state is ExecutionState.CLOSED:
        return (
            "The work has ended, and its end is not recorded yet. The regular check settles it within "
            "seconds, by what is true; “Check now” does it at once."
        )
    if state is not ExecutionState.NOT_FOUND:
        return None
    if run.status == Status.QUEUED:
        return (
            "It is recorded as waiting, and no work is known of it. The regular check hands it over again; "
            "it can begin only once."
        )
    return (
        "It is recorded as under way, and no work is known of it. The regular check settles it by what is "
        "true; “Check now” does it at once."
    )


def _result_apart(run: OperationRun, truth: BusinessTruth | None) -> str | None:
    """Word how ledger and result differ; None where they agree or the result is not known."""
    if truth is None or run.status != Status.COMPLETED:
        return None
    is_there = truth.result is not None or own_review(run, truth) is not None
    succeeded = run.outcome in {Outcome.SUCCEEDED, Outcome.PARTIALLY_SUCCEEDED, Outcome.ATTENTION_REQUIRED}
    if is_there and not succeeded:
        return (
            "The result of this operation is there, and the record does not say so. “Check now” corrects the "
            "record, and shows that as a correction."
        )
    if truth.reviews and run.outcome in {Outcome.FAILED, Outcome.CANCELLED}:
        return (
            "The record says that no review was made, and one of exactly the same configuration is there by "
            "now. “Check now” settles this operation by it."
        )
    return None


def _is_beginning(run: OperationRun, now: datetime) -> bool:
    return run.status == Status.QUEUED and now - run.created_at < A_MOMENT


def _is_closing(run: OperationRun, view: WorkflowView, now: datetime) -> bool:
    ended_at = run.completed_at
    return view.execution.state is ExecutionState.OPEN and ended_at is not None and now - ended_at < A_MOMENT
