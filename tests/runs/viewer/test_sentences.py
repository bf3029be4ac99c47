"""The sentences about a run that must be right: its other tests find them by code or `data-` name."""

import re
from dataclasses import replace
from datetime import timedelta
from unittest.mock import create_autospec
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from models.access import Role
from models.actor import Actor
from models.base import utc_now
from models.errors import InvalidInput
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun, OperationRunTransition
from models.reason_codes import ReasonCode
from services.access.principals import Principal
from services.engine.cache import Snapshot
from services.engine.port import WorkflowView
from services.runs.queries import BusinessTruth
from services.runs.saved_views import SavedViews
from services.runs.search.filters import RunFilters
from services.runs.typical_durations import TypicalRange
from tests.runs.contexts import stored_cancellation
from tests.runs.viewer.test_agreement import IS_OPEN, NOTHING, closed, review_of
from tests.runs.viewer.test_agreement import a_run as a_compose
from tests.runs.viewer.test_messages import a_run
from web.runs import run_list, saved_views
from web.runs.agreement import agreement_of
from web.runs.progress import ladder_of, point_of_no_return, timeline_of
from web.runs.truths import (
    engine_sentence,
    engine_state,
    result_sentence,
    result_state,
    truths_of,
)

COMMIT = "1a2b3c4d" * 5


HERE = uuid4()


READER = Principal(actor=Actor(kind="user", name="ada"), roles={HERE: Role.READER})


def cancelling(status: Status, outcome: Outcome = Outcome.PENDING, commit: str | None = None) -> OperationRun:
    """Return a run whose cancellation is requested."""
    cancellation = stored_cancellation(point_of_no_return=commit)
    return a_run(status=status, outcome=outcome, context={"cancellation": cancellation})


ASKED, BEYOND = cancelling(Status.RUNNING), cancelling(Status.RUNNING, commit=COMMIT)


FAILED = cancelling(Status.COMPLETED, Outcome.FAILED, COMMIT)


CANCELLED = cancelling(Status.COMPLETED, Outcome.CANCELLED)


def at_step(attempts: int) -> WorkflowView:
    """Return open work that is at the step `collect_evidence`."""
    return replace(IS_OPEN, step="collect_evidence", step_attempts=attempts)


@pytest.mark.parametrize(
    ("run", "label", "says", "sentence"),
    [
        (ASKED, "Delivered", "delivered", "handed on to the work"),
        (FAILED, "Delivered", "no-work", "no work was under way"),
        (ASKED, "Acknowledged", "acknowledged", "stopped at a safe place"),
        (BEYOND, "Acknowledged", "goes-on", "the work goes on to its end, and stops nowhere in between"),
        (FAILED, "Acknowledged", "nothing-to-stop", "there was nothing left to stop"),
        (ASKED, "Settled", "to-settle", "recorded by what is true then"),
        (CANCELLED, "Settled", "settled", "as cancelled"),
    ],
)
def test_a_rung_of_the_ladder_says_what_it_is_for(
    run: OperationRun, label: str, says: str, sentence: str
) -> None:
    ladder = ladder_of(run)
    assert ladder
    (rung,) = (step for step in ladder.steps if step.label == label)

    assert rung.says == says
    assert sentence in rung.detail


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        (BEYOND, "Commit 1a2b3c4 is already pushed or being pushed; cancelling cannot undo it."),
        (FAILED, "Commit 1a2b3c4 was already on its way when this was asked for."),
        (ASKED, None),
    ],
)
def test_what_cancelling_cannot_undo_is_named(run: OperationRun, sentence: str | None) -> None:
    assert point_of_no_return(run) == sentence


@pytest.mark.parametrize(
    ("actor_kind", "before", "says", "sentence"),
    [
        ("user", Status.RUNNING, "by-person", "Needs attention, checked by ada"),
        ("workflow", Status.RUNNING, "by-itself", "Needs attention, recorded by the operation itself"),
        ("system", Status.COMPLETED, "by-check", "Needs attention, found by the regular check"),
        ("system", Status.QUEUED, "by-system", "Needs attention, recorded by this system"),
    ],
)
def test_the_time_line_says_who_settled_it(actor_kind: str, before: str, says: str, sentence: str) -> None:
    settled = OperationRunTransition(
        from_status=before,
        to_status=Status.COMPLETED,
        to_outcome=Outcome.ATTENTION_REQUIRED,
        reason_code=ReasonCode.REVIEW_LINEAGE_AMBIGUOUS,
        actor_kind=actor_kind,
        actor_name="ada",
        at=utc_now(),
    )

    ending = timeline_of(a_run(outcome=Outcome.ATTENTION_REQUIRED), [settled])[-1]

    assert (ending.says, ending.detail) == (says, sentence)


def test_the_three_truths_have_their_names() -> None:
    told = truths_of(a_compose(), Snapshot(at=utc_now(), found=IS_OPEN), NOTHING, utc_now())

    assert [truth.name for truth in told.all] == ["The record", "The work", "The result"]
    assert told.record.sentence == "It has not ended."


@pytest.mark.parametrize(
    ("run", "view", "word", "sentence"),
    [
        (a_compose(), IS_OPEN, "Under way", "The work is open."),
        (a_compose(), at_step(1), "Under way", "Now: Read the configuration."),
        (
            a_compose(),
            at_step(3),
            "Under way",
            "Now: Read the configuration. This was begun 3 times so far.",
        ),
        (
            a_compose(Outcome.FAILED),
            IS_OPEN,
            "About to end",
            "Its end is recorded, and the work has yet to close.",
        ),
        (
            a_compose(),
            closed("terminated"),
            "Ended",
            "Somebody stopped the work from outside before it was done.",
        ),
        (
            a_compose(Outcome.FAILED),
            closed("activity_failed"),
            "Ended",
            "A step of the work could not be done.",
        ),
    ],
)
def test_the_work_is_said_to_be(run: OperationRun, view: WorkflowView, word: str, sentence: str) -> None:
    assert (engine_state(run, view).word, engine_sentence(run, view)) == (word, sentence)


MADE = a_compose(Outcome.SUCCEEDED)


@pytest.mark.parametrize(
    ("run", "truth", "word", "sentence"),
    [
        (a_compose(), NOTHING, "Not there", "There is no review of this operation."),
        (MADE, review_of(MADE), "There", "The review of this operation is there. It is a draft."),
        (a_compose(Outcome.FAILED), review_of(None), "Not there", "Another operation's review"),
        (a_run(status=Status.RUNNING), NOTHING, "Not there", "“Check now” looks there."),
    ],
)
def test_the_result_is_said_to_be(run: OperationRun, truth: BusinessTruth, word: str, sentence: str) -> None:
    assert result_state(run, truth).word == word
    assert sentence in result_sentence(run, truth)


@pytest.mark.parametrize(
    ("run", "view", "truth", "sentence"),
    [
        (
            a_compose(),
            closed("terminated"),
            NOTHING,
            "its end is not recorded yet. The regular check settles it",
        ),
        (a_compose(), None, NOTHING, "The record and the result agree. The work could not be asked about."),
        (a_compose(), IS_OPEN, None, "The result could not be read."),
        (a_compose(Outcome.FAILED), None, review_of(None), "“Check now” settles this operation by it."),
        (MADE, closed("terminated"), review_of(MADE), "a success is never taken back"),
    ],
)
def test_the_agreement_is_said_to_be(
    run: OperationRun, view: WorkflowView | None, truth: BusinessTruth | None, sentence: str
) -> None:
    assert sentence in agreement_of(run, view, truth, utc_now()).sentence


def test_work_that_closes_right_now_agrees_with_its_record() -> None:
    run = a_compose(Outcome.FAILED)
    run.completed_at = utc_now()

    sentence = "They agree: its end is recorded, and the work is just closing."
    assert agreement_of(run, IS_OPEN, NOTHING, utc_now()).sentence == sentence


def test_a_run_that_takes_longer_than_others_says_so() -> None:
    run = a_compose()
    typical = TypicalRange(
        shortest=timedelta(seconds=20), longest=timedelta(seconds=30), runs=10, of_environment=True
    )

    why = run_list._why_late(run, typical, run.created_at + timedelta(minutes=5))

    assert why is not None
    assert re.fullmatch(
        r"It takes longer than others: they usually took .+, and this one 5(\.\d)? min so far\.", why
    )


def test_the_views_of_everybody_have_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "list_path", str)

    links = saved_views.view_links([], [], RunFilters(), me="ada", acting=frozenset())

    assert [(link.name, link.path) for link in links] == [
        ("Everything", "{}"),
        ("Asked for by me", "{'initiator': 'ada'}"),
    ]


@pytest.mark.parametrize(
    ("name", "filters", "sentence"),
    [
        (" ", {"outcome": "failed"}, "name of 1 to 60"),
        ("a" * 61, {"outcome": "failed"}, "name of 1 to 60"),
        ("failed RESTORES", {"outcome": "failed"}, "a view “failed RESTORES” already"),
        ("Another", {}, "narrow the list first"),
    ],
)
def test_a_view_that_cannot_be_saved_says_why(name: str, filters: dict[str, str], sentence: str) -> None:
    session = create_autospec(Session, instance=True)
    session.scalar.return_value = 0
    session.scalars.return_value.one_or_none.return_value = None

    with pytest.raises(InvalidInput, match=sentence):
        SavedViews(session, actor=READER.actor).save(workspace_id=HERE, name=name, filters=filters)


def test_a_view_of_what_is_not_there_says_so() -> None:
    with pytest.raises(InvalidInput, match="there is no"):
        RunFilters.parse({"outcome": "bad"})
    with pytest.raises(InvalidInput, match="choose the workspace"):
        saved_views._refuse(READER)
