from dataclasses import dataclass
from datetime import datetime

from models.operation_run import OperationRun
from services.engine import WorkflowView
from services.engine_looks import Seen
from web.presenters.agreement import Agreement, agreement_of
from web.presenters.states import State, state_of_run
from web.presenters.truth_words import (
    NOT_ASKED,
    NOT_READ,
    engine_sentence,
    engine_state,
    result_sentence,
    result_state,
)
from web.queries.business_truth import BusinessTruth


@dataclass(frozen=True, kw_only=True)
class Truth:
    """One side of a run: what it says, and when it was asked.

    `state` None: it could not be asked or read, and `sentence` says why. `by_engine` tells that it is as old
    as a look at the engine may be, and not as this page.
    """

    name: str
    source: str
    state: State | None
    sentence: str
    at: datetime
    by_engine: bool = False


@dataclass(frozen=True, kw_only=True)
class Truths:
    """The three truths of a run side by side (section 8), and whether they agree."""

    record: Truth
    work: Truth
    result: Truth
    agreement: Agreement

    @property
    def all(self) -> tuple[Truth, Truth, Truth]:
        """Return the three, in the order in which they are shown."""
        return self.record, self.work, self.result


def truths_of(
    run: OperationRun, seen: Seen[WorkflowView], truth: BusinessTruth | None, now: datetime
) -> Truths:
    """Put side by side what is recorded of a run, what its work says, and what is there of its result."""
    return Truths(
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
    if run.context.get("reconciliation") is None:
        return "It ended by itself and wrote down how."
    return "It was settled by what was found to be true."


def _work(run: OperationRun, seen: Seen[WorkflowView]) -> Truth:
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
