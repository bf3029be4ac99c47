from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from models.catalog import OperationType
from models.lifecycle import Status
from models.operation_run import OperationRun
from models.reconciliation import ExecutionState
from models.review import EnvironmentReview, ReviewStatus
from services.engine.cache import Snapshot
from services.engine.port import WorkflowView
from services.runs.queries import BusinessTruth, own_review
from services.runs.wording import CAUSES
from web.runs.agreement import Consistency, agreement_of
from web.runs.workflow_steps import label_of
from web.ui.states import State, state_of_run

NOT_READ: Final = "It could not be read just now. That says nothing about the result itself."
NOT_ASKED: Final = "It could not be asked, because it did not answer in time. Nothing is concluded from that."

_ACCEPTED: Final = State(word="Accepted", tone="quiet")
_CLOSING: Final = State(word="About to end", tone="busy")
_THERE: Final = State(word="There", tone="good")
_NOT_THERE: Final = State(word="Not there", tone="quiet", icon="minus")
_REVIEW: Final[Mapping[str, str]] = {
    ReviewStatus.DRAFT: "It is a draft.",
    ReviewStatus.PUBLISHED: "It is published.",
    ReviewStatus.SUPERSEDED: "A newer one has taken its place since.",
    ReviewStatus.ARCHIVED: "It was archived.",
}
_FAILING: Final = 2


def engine_state(run: OperationRun, view: WorkflowView) -> State:
    """Return the state of the workflow, as Temporal reports it."""
    if view.execution.state is ExecutionState.OPEN and run.status != Status.RUNNING:
        return _ACCEPTED if run.status == Status.QUEUED else _CLOSING
    return {
        ExecutionState.OPEN: State(word="Under way", tone="busy"),
        ExecutionState.CLOSING: _CLOSING,
        ExecutionState.CLOSED: State(word="Ended", tone="good" if view.execution.cause is None else "held"),
        ExecutionState.NOT_FOUND: State(word="Not known", tone="quiet"),
    }[view.execution.state]


def engine_sentence(run: OperationRun, view: WorkflowView) -> str:
    """Word what Temporal knows of a run's workflow."""
    execution = view.execution
    if execution.state is ExecutionState.NOT_FOUND:
        if run.completed_at is not None:
            return "It knows nothing of this work: it never began, or ended too long ago to be kept."
        return "It knows nothing of this work."
    if execution.state is ExecutionState.OPEN:
        if view.failing_attempts >= _FAILING:
            return f"The work is open, and meets a fault in this system: attempt {view.failing_attempts}."
        if run.status == Status.QUEUED:
            return "It has taken the work, which waits for a worker."
        if run.status == Status.COMPLETED:
            return "Its end is recorded, and the work has yet to close."
        return _at_work(view)
    cause = CAUSES.get(execution.cause or "")
    return cause.happened if cause else "The work ran to its end."


def _at_work(view: WorkflowView) -> str:
    if view.step is None:
        return "The work is open."
    again = f" This was begun {view.step_attempts} times so far." if view.step_attempts > 1 else ""
    return f"Now: {label_of(view.step)}.{again}"


def result_state(run: OperationRun, truth: BusinessTruth) -> State:
    """Return the state of the run's result: found or not."""
    is_there = truth.result or own_review(run, truth) or _led_to(run, truth)
    return _THERE if is_there else _NOT_THERE


def result_sentence(run: OperationRun, truth: BusinessTruth) -> str:
    """Word what exists of the run's result."""
    if run.type == OperationType.RESTORE_EXECUTE:
        return _restored(run, truth)
    own = own_review(run, truth)
    if own is not None:
        return f"The review of this operation is there. {_REVIEW[own.status]}"
    led_to = _led_to(run, truth)
    if led_to is not None:
        return f"The review that it led to is there. {_REVIEW[led_to.status]}"
    if truth.reviews:
        return "Another operation's review of exactly the same configuration is there."
    return "There is no review of this operation."


def _led_to(run: OperationRun, truth: BusinessTruth) -> EnvironmentReview | None:
    reconciliation = run.context.reconciliation
    related = reconciliation.related if reconciliation else None
    return next((review for review in truth.reviews if related and review.id == related.id), None)


def _restored(run: OperationRun, truth: BusinessTruth) -> str:
    if truth.result is not None:
        counts = truth.result.summary
        done = ", ".join(f"{counts[name]} {name}" for name in ("written", "removed") if counts.get(name))
        return f"What was put back is recorded: {done or 'nothing had to be written'}."
    if run.context.intended_commit:
        return (
            "No result is recorded, and a change was about to be written. Whether it arrived stands in the "
            "repository; “Check now” looks there."
        )
    return "No result is recorded. The repository itself is not asked for this page; “Check now” looks there."


@dataclass(frozen=True, kw_only=True)
class Truth:
    """One source of truth about a run, and when it was read.

    `state` None: the read failed, and `sentence` says so. `by_engine`: Temporal's word, from a cache.
    """

    name: str
    source: str
    state: State | None
    sentence: str
    at: datetime
    by_engine: bool = False


@dataclass(frozen=True, kw_only=True)
class SourcesOfTruth:
    """Ledger, workflow and result of a run, and whether they agree."""

    record: Truth
    work: Truth
    result: Truth
    agreement: Consistency

    @property
    def all(self) -> tuple[Truth, Truth, Truth]:
        """Return the three in the order of the page."""
        return self.record, self.work, self.result


def truths_of(
    run: OperationRun, seen: Snapshot[WorkflowView], truth: BusinessTruth | None, now: datetime
) -> SourcesOfTruth:
    """Word the three sources; `truth` None: the result could not be read."""
    return SourcesOfTruth(
        record=Truth(
            name="The record",
            source="What is written down",
            state=state_of_run(run),
            sentence=_recorded(run),
            at=now,
        ),
        work=_work(run, seen),
        result=_result(run, truth, now),
        agreement=agreement_of(run, seen.found, truth, now),
    )


def _recorded(run: OperationRun) -> str:
    if run.completed_at is None:
        return "It has not ended."
    if run.context.reconciliation is None:
        return "It ended by itself and wrote down how."
    return "It was settled by what was found to be true."


def _work(run: OperationRun, seen: Snapshot[WorkflowView]) -> Truth:
    view = seen.found
    return Truth(
        name="The work",
        source="What its engine says",
        state=engine_state(run, view) if view else None,
        sentence=engine_sentence(run, view) if view else NOT_ASKED,
        at=seen.at,
        by_engine=True,
    )


def _result(run: OperationRun, truth: BusinessTruth | None, now: datetime) -> Truth:
    return Truth(
        name="The result",
        source="What is there of it",
        state=result_state(run, truth) if truth else None,
        sentence=result_sentence(run, truth) if truth else NOT_READ,
        at=now,
    )
