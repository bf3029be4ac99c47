from collections.abc import Mapping
from typing import Final, Literal

from models.contracts import Contract
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.restore import PlannedChange

Tone = Literal["quiet", "busy", "good", "part", "held", "look", "bad"]
Icon = Literal["edit", "note", "plus", "minus"]


class State(Contract):
    """A state in a word, with its tone; `icon` None: the icon of the tone."""

    word: str
    tone: Tone
    icon: Icon | None = None


OF_RUN: Final[Mapping[str, State]] = {
    Status.QUEUED: State(word="Queued", tone="quiet"),
    Status.RUNNING: State(word="Running", tone="busy"),
    Outcome.SUCCEEDED: State(word="Succeeded", tone="good"),
    Outcome.PARTIALLY_SUCCEEDED: State(word="Partly succeeded", tone="part"),
    Outcome.BLOCKED: State(word="Blocked", tone="held"),
    Outcome.ATTENTION_REQUIRED: State(word="Needs attention", tone="look"),
    Outcome.FAILED: State(word="Failed", tone="bad"),
    Outcome.CANCELLED: State(word="Cancelled", tone="quiet", icon="minus"),
}

# What a restore will do to an item.
OF_PLANNED_CHANGE: Final[Mapping[str, State]] = {
    PlannedChange.CREATE: State(word="Create", tone="good", icon="plus"),
    PlannedChange.UPDATE: State(word="Update", tone="busy", icon="edit"),
    PlannedChange.DELETE: State(word="Delete", tone="bad", icon="minus"),
    PlannedChange.REFUSED: State(word="Refused", tone="look"),
    PlannedChange.UNCHANGED: State(word="Unchanged", tone="quiet"),
}


def state_of_run(run: OperationRun) -> State:
    """Return the state of a run: its outcome once it has ended, its status before."""
    return OF_RUN[run.outcome if run.status == Status.COMPLETED else run.status]
