import re
from typing import Any
from uuid import uuid4

import pytest

from models.base import utc_now
from models.catalog import OperationType
from models.contracts import Cause
from models.lifecycle import FINAL_OUTCOMES, Outcome, Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from services.runs.messages import card_of, message_of
from services.runs.wording import CAUSES, ENDINGS, REASONS, TOO_LATE, UNKNOWN, VARIANTS
from tests.runs.contexts import stored_cancellation, stored_context, stored_reconciliation

STANDINGS = [(Status.QUEUED, Outcome.PENDING), (Status.RUNNING, Outcome.PENDING)] + [
    (Status.COMPLETED, outcome) for outcome in sorted(FINAL_OUTCOMES)
]
CAUSE_NAMES: tuple[str, ...] = Cause.__args__  # type: ignore[attr-defined] # a Literal has its values there
EXPERT_WORDS = re.compile(
    r"\b(sql|postgres\w*|database|row|rows|constraint|query|transaction|git|commit\w*|branch\w*|push\w*|merge"
    r"|fetch\w*|refs?|trees?|blob|sha\d*|temporal|workflow\w*|activit\w+|namespace|task queue|exception"
    r"|traceback|null|json|select|insert|psycopg|sqlalchemy|grpc|refs/|trailer\w*|pack ?files?)\b",
    re.IGNORECASE,
)


def a_run(
    *,
    operation_type: str = OperationType.RESTORE_EXECUTE,
    status: str = Status.COMPLETED,
    outcome: str = Outcome.FAILED,
    context: dict[str, Any] | None = None,
    failures: list[str] | None = None,
    summary_counts: dict[str, int] | None = None,
) -> OperationRun:
    return OperationRun(
        id=uuid4(),
        type=operation_type,
        status=status,
        outcome=outcome,
        context_json=stored_context(**(context or {})),
        failures=[{"code": code, "at": utc_now().isoformat()} for code in failures or []],
        summary_counts=summary_counts or {},
    )


def reconciled(reason_code: str, *, cause: str | None = None) -> dict[str, Any]:
    evidence = {"cause": cause} if cause else {}
    return {"reconciliation": stored_reconciliation(reason_code, **evidence)}


@pytest.mark.parametrize("operation_type", OperationType)
@pytest.mark.parametrize(("status", "outcome"), STANDINGS)
def test_every_standing_of_every_operation_has_words(operation_type: str, status: str, outcome: str) -> None:
    message = message_of(a_run(operation_type=operation_type, status=status, outcome=outcome))

    assert all(message.model_dump().values())
    assert message.title != UNKNOWN.title


@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_code_has_words_of_its_own(code: ReasonCode) -> None:
    message = message_of(a_run(context=reconciled(code)))

    assert message.code == code
    assert code in REASONS
    assert all(message.model_dump().values())


@pytest.mark.parametrize("outcome", FINAL_OUTCOMES)
@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_code_has_four_lines_beside_every_outcome(code: ReasonCode, outcome: Outcome) -> None:
    card = card_of(a_run(outcome=outcome, context=reconciled(code)))

    assert all((card.title, card.meaning, card.done, card.next))


@pytest.mark.parametrize("cause", CAUSE_NAMES)
@pytest.mark.parametrize("code", [ReasonCode.RESTORE_NOT_APPLIED, ReasonCode.REVIEW_NOT_COMPOSED])
def test_every_cause_is_told_in_the_four_lines(code: ReasonCode, cause: str) -> None:
    card = card_of(a_run(context=reconciled(code, cause=cause)))

    assert card.meaning == f"{CAUSES[cause].happened} {REASONS[code].body}"
    assert card.done == f"{CAUSES[cause].done} {REASONS[code].done}"
    assert card.title
    assert card.next


def test_every_cause_has_words_and_no_other() -> None:
    assert set(CAUSES) == set(CAUSE_NAMES)


def test_no_words_speak_of_what_lies_beneath() -> None:
    wordings = [*REASONS.values(), *VARIANTS.values(), *ENDINGS.values(), UNKNOWN, TOO_LATE, *CAUSES.values()]
    sentences = [text for wording in wordings for text in wording.model_dump().values()]

    assert len(sentences) > 100
    assert [text for text in sentences if EXPERT_WORDS.search(text)] == []


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (ENDINGS[Status.QUEUED].title, "Waiting to start."),
        (ENDINGS[Status.RUNNING].title, "Under way."),
        (REASONS[ReasonCode.CANCELLATION_REQUESTED].title, "Somebody asked to cancel this."),
        (REASONS[ReasonCode.CANCELLED].title, "The operation was cancelled."),
        (
            REASONS[ReasonCode.ENVIRONMENT_CHANGED].title,
            "The restore was held back, because the environment changed.",
        ),
        (REASONS[ReasonCode.REF_NOT_FOUND].title, "The version to work from does not exist."),
        (REASONS[ReasonCode.REVIEW_NOT_COMPOSED].title, "No review was made."),
        (CAUSES["terminated"].happened, "Somebody stopped the work from outside before it was done."),
    ],
)
def test_what_pages_are_found_to_say_by_its_code_is_worded_so(said: str, sentence: str) -> None:
    assert said == sentence


def test_every_sentence_ends_and_is_short_enough_to_read_at_a_glance() -> None:
    for code, wording in [*REASONS.items(), *ENDINGS.items(), *VARIANTS.items(), *CAUSES.items()]:
        assert all(text.endswith(".") for text in wording.model_dump().values()), code
        assert all(len(text) < 140 for text in wording.model_dump().values()), code
    assert all(len(wording.title) < 70 for wording in [*REASONS.values(), *ENDINGS.values()])


def test_no_words_claim_a_second_attempt_of_what_may_have_had_one() -> None:
    done = [wording.done for words in (REASONS, ENDINGS, VARIANTS, CAUSES) for wording in words.values()]

    assert [text for text in done if "was tried again" in text] == []
    assert REASONS[ReasonCode.ENVIRONMENT_UNREACHABLE].done in done


def test_the_items_that_changed_are_named() -> None:
    context = reconciled(ReasonCode.ENVIRONMENT_CHANGED)
    context["reconciliation"]["evidence"]["changed_items"] = ["a.json", "b.json", "c.json", "d.json"]
    run = a_run(outcome=Outcome.BLOCKED, context=context)

    assert card_of(run).items == ["a.json", "b.json", "c.json", "d.json"]
    assert "Changed: a.json, b.json, c.json and 1 more." in message_of(run).body


def test_a_repository_out_of_reach_is_not_known_to_be_unchanged_only_where_nobody_could_look() -> None:
    unsure = a_run(outcome=Outcome.ATTENTION_REQUIRED, context=reconciled(ReasonCode.ENVIRONMENT_UNREACHABLE))
    sure = a_run(context=reconciled(ReasonCode.RESTORE_NOT_APPLIED), failures=["environment_unreachable"])

    assert "not claimed either way" in card_of(unsure).meaning
    assert "Nothing was changed" in card_of(sure).meaning


@pytest.mark.parametrize("code", ["deadline", "activity_timed_out", "unexpected_error"])
def test_why_the_work_ended_is_told_with_what_came_of_it(code: str) -> None:
    context = reconciled(ReasonCode.RESTORE_NOT_APPLIED, cause="activity_failed")

    assert (
        REASONS[ReasonCode.RESTORE_NOT_APPLIED].body
        in card_of(a_run(context=context, failures=[code])).meaning
    )


def test_an_active_run_whose_cancellation_was_asked_for_says_so() -> None:
    run = a_run(
        status=Status.RUNNING, outcome=Outcome.PENDING, context={"cancellation": stored_cancellation()}
    )

    assert message_of(run).code == "cancellation_requested"
    assert "stops at the next place" in message_of(run).body
    run.context_json = stored_context(cancellation=stored_cancellation(point_of_no_return="1" * 40))
    assert message_of(run).code == "cancellation_requested"
    assert message_of(run).title == TOO_LATE.title


def test_a_failure_that_tells_more_goes_before_nothing_came_of_it() -> None:
    context = reconciled(ReasonCode.RESTORE_NOT_APPLIED, cause="activity_failed")

    assert message_of(a_run(context=context, failures=["ref_not_found"])).code == "ref_not_found"
    assert message_of(a_run(context=context, failures=["something_new"])).code == "restore_not_applied"


def test_a_failure_never_goes_before_a_reason_that_says_what_became_of_it() -> None:
    context = reconciled(ReasonCode.ENVIRONMENT_CHANGED)

    message = message_of(a_run(outcome=Outcome.BLOCKED, context=context, failures=["unexpected_error"]))

    assert message.code == "environment_changed"


def test_the_cause_is_told_where_nothing_else_is_known() -> None:
    message = message_of(a_run(context=reconciled(ReasonCode.RESTORE_NOT_APPLIED, cause="terminated")))

    assert message.body.startswith(CAUSES["terminated"].happened)
    assert REASONS[ReasonCode.RESTORE_NOT_APPLIED].body in message.body


def test_a_cancelled_run_is_told_as_cancelled() -> None:
    context = reconciled(ReasonCode.REVIEW_NOT_COMPOSED, cause="cancelled")

    assert message_of(a_run(outcome=Outcome.CANCELLED, context=context)).code == "cancelled"


def test_a_start_that_was_refused_is_told_from_its_failure() -> None:
    assert message_of(a_run(failures=["dispatch_failed"])).code == "dispatch_failed"


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        ({"written": 2, "removed": 0, "unchanged": 1, "refused": 0}, "restore_applied"),
        ({"written": 0, "removed": 1, "unchanged": 0, "refused": 0}, "restore_applied"),
        ({"written": 0, "removed": 0, "unchanged": 3, "refused": 0}, "restore_not_needed"),
    ],
)
def test_a_restore_that_succeeded_says_what_it_did(counts: dict[str, int], code: str) -> None:
    assert message_of(a_run(outcome=Outcome.SUCCEEDED, summary_counts=counts)).code == code


def test_a_composed_review_is_told_as_ready() -> None:
    run = a_run(operation_type=OperationType.ENVIRONMENT_REVIEW_COMPOSE, outcome=Outcome.SUCCEEDED)

    assert message_of(run).code == "review_composed"


def test_a_code_that_this_version_does_not_know_still_has_words() -> None:
    message = message_of(a_run(outcome=Outcome.BLOCKED, context=reconciled("from_a_later_version")))

    assert message.code == "from_a_later_version"
    assert message.title == ENDINGS[Outcome.BLOCKED].title
