from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from models.operation_run import OperationRun
from reconcilers.run_check import Checked
from reconcilers.run_judgement import Action
from web.presenters.messages import message_of
from web.presenters.run_actions import why_no_cancel
from web.presenters.run_views import RunRow
from web.presenters.states import State

Deed = Literal["cancel", "check"]


@dataclass(frozen=True, kw_only=True)
class DeedWords:
    """What a deed is called where it is asked for, confirmed and done."""

    question: str
    meaning: str
    button: str
    done: str


DEEDS: Final[Mapping[Deed, DeedWords]] = {
    "cancel": DeedWords(
        question="Cancel these operations?",
        meaning="Each stops at the next place where it is safe to stop, and reads “Cancelled” only then.",
        button="Yes, cancel them",
        done="What became of it",
    ),
    "check": DeedWords(
        question="Check these operations now?",
        meaning="Each is compared with what is true now, and settled by that where its work is over.",
        button="Yes, check them",
        done="What became of it",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """One chosen run before the deed; `row` None: there is none of that id. `why_not` leaves it out."""

    run_id: UUID
    row: RunRow | None
    why_not: str | None


@dataclass(frozen=True, kw_only=True)
class Done:
    """What became of one chosen run."""

    run_id: UUID
    row: RunRow | None
    state: State
    sentence: str


DONE: Final = State(word="Done", tone="good")
LEFT: Final = State(word="Left as it was", tone="quiet", icon="minus")
NOT_DONE: Final = State(word="Not done", tone="look")

NOT_THERE: Final = "There is no such operation."
NO_TIME: Final = "There was no time left to get to it. Nothing was changed; ask again for this one."
NOT_NOW: Final = "It could not be done just now, because something it takes did not answer. Ask again later."


def why_left_out(run: OperationRun, deed: Deed) -> str | None:
    """Say why a deed has nothing to do about a run; None where it has."""
    return why_no_cancel(run) if deed == "cancel" else None


def cancelled_words(before: OperationRun, run: OperationRun) -> tuple[State, str]:
    """Say what came of asking for a run's cancellation."""
    if "cancellation" in before.context:
        return LEFT, "Its cancellation had been asked for already."
    if run.context["cancellation"]["delivered_at"] is None:
        return DONE, "Its cancellation is recorded, and is handed on as soon as the work can be reached."
    return DONE, "Its cancellation was asked for and handed on to the work."


def checked_words(run: OperationRun, checked: Checked) -> tuple[State, str]:
    """Say what came of checking a run, which stands as `run` does since."""
    found = checked.reconciliation
    if found is not None and found.written:
        return DONE, f"It was settled. {message_of(run).title}"
    if found is not None and found.result == "busy":
        return LEFT, "It is being settled by somebody else at this moment."
    if found is not None and found.result == "unsupported":
        return NOT_DONE, "There is no rule for this kind of operation."
    if found is not None and found.decision is not None:
        return LEFT, "What is recorded is what is true. Nothing was changed."
    return _UNDECIDED[checked.action]


_UNDECIDED: Final[Mapping[Action, tuple[State, str]]] = {
    Action.LEAVE: (LEFT, "There is nothing to settle: its work goes on, or it is recorded how it ended."),
    Action.DISPATCH: (DONE, "It was handed over again, because no work was known of it."),
    Action.TERMINATE: (LEFT, "Its work is being ended, because it failed again and again."),
    Action.SETTLE: (NOT_DONE, "It cannot be told yet. The regular check looks again by itself."),
}
