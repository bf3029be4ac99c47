from collections.abc import Mapping
from typing import Final, Literal

from models.contracts import Contract
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.restore import PlannedChange
from models.review import EnvironmentReview, ReviewStatus

Tone = Literal["quiet", "busy", "good", "part", "held", "look", "bad"]


class State(Contract):
    """A word for how something stands, and the tone (colour and icon) that goes with the word."""

    word: str
    tone: Tone


OF_RUN: Final[Mapping[str, State]] = {
    Status.QUEUED: State(word="Queued", tone="quiet"),
    Status.RUNNING: State(word="Running", tone="busy"),
    Outcome.SUCCEEDED: State(word="Succeeded", tone="good"),
    Outcome.PARTIALLY_SUCCEEDED: State(word="Partly succeeded", tone="part"),
    Outcome.BLOCKED: State(word="Blocked", tone="held"),
    Outcome.ATTENTION_REQUIRED: State(word="Needs attention", tone="look"),
    Outcome.FAILED: State(word="Failed", tone="bad"),
    Outcome.CANCELLED: State(word="Cancelled", tone="quiet"),
}

OF_REVIEW: Final[Mapping[str, State]] = {
    ReviewStatus.DRAFT: State(word="Draft", tone="busy"),
    ReviewStatus.PUBLISHED: State(word="Published", tone="good"),
    ReviewStatus.SUPERSEDED: State(word="Superseded", tone="quiet"),
    ReviewStatus.ARCHIVED: State(word="Archived", tone="quiet"),
}

OF_SEVERITY: Final[Mapping[str, State]] = {
    "critical": State(word="Critical", tone="bad"),
    "warning": State(word="Warning", tone="look"),
    "info": State(word="For information", tone="quiet"),
}

OF_CHANGE: Final[Mapping[str, State]] = {
    PlannedChange.CREATE: State(word="Create", tone="good"),
    PlannedChange.UPDATE: State(word="Update", tone="busy"),
    PlannedChange.DELETE: State(word="Delete", tone="bad"),
    PlannedChange.REFUSED: State(word="Refused", tone="look"),
    PlannedChange.UNCHANGED: State(word="Unchanged", tone="quiet"),
}


def state_of_run(run: OperationRun) -> State:
    """Return the state of a run: its outcome once it has one."""
    return OF_RUN[run.outcome if run.status == Status.COMPLETED else run.status]


def state_of_review(review: EnvironmentReview) -> State:
    """Return the state of a review."""
    return OF_REVIEW[review.status]
