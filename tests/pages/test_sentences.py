"""The sentences that must be right: what other tests find by its code or `data-` name stands here, once."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import create_autospec
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

import web
from models.access import AuditAction, AuditEntry, Role
from models.actor import Actor
from models.base import utc_now
from models.catalog import Capability
from models.errors import AlreadyCompleted, InvalidInput, RefNotFound, RepositoryError, TooManyFetches
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun, OperationRunTransition
from models.reason_codes import ReasonCode
from models.review import EnvironmentReview, ReviewStatus
from services.access.members import ensure_person
from services.access.passwords import check_password
from services.access.principals import Principal
from services.database.paging import malformed_cursor
from services.engine.cache import Snapshot
from services.engine.port import WorkflowView
from services.reports.sentences import headline
from services.reviews.queries import ReviewFilters
from services.reviews.readiness import Profile
from services.runs.cancellation import why_not_cancel
from services.runs.operations import why_not_again
from services.runs.queries import BusinessTruth
from services.runs.saved_views import SavedViews
from services.runs.search.filters import RunFilters
from services.runs.typical_durations import TypicalRange
from services.runs.wording import REASONS, TOO_LATE
from services.validation import check_name
from tests.review_documents import make_document
from tests.runs.contexts import stored_cancellation
from tests.runs.viewer.test_agreement import IS_OPEN, NOTHING, closed, review_of
from tests.runs.viewer.test_agreement import a_run as a_compose
from tests.runs.viewer.test_messages import a_run
from web.accounts import sign_in
from web.accounts.workspaces import sentence_of
from web.error_pages import PAGES
from web.reviews import comparison, pages
from web.reviews.actions import HeaderActions, header_actions
from web.reviews.comparison import unread
from web.runs import run_list, saved_views, support_bundle, workflow_steps
from web.runs.agreement import agreement_of
from web.runs.bulk import NO_TIME, NOT_NOW, NOT_THERE
from web.runs.check_page import SETTLE, UNCHANGED, UNDECIDED
from web.runs.progress import ladder_of, point_of_no_return, timeline_of
from web.runs.receipt import SOURCES
from web.runs.truths import (
    NOT_ASKED,
    engine_sentence,
    engine_state,
    result_sentence,
    result_state,
    truths_of,
)
from web.ui.navigation import ENVIRONMENTS, OPERATIONS, PUBLISHED, why_not
from web.ui.states import OF_RUN

TEMPLATES = Path(web.__file__).parent / "templates"
COMMIT = "1a2b3c4d" * 5
HERE = uuid4()
READER = Principal(actor=Actor(kind="user", name="ada"), roles={HERE: Role.READER})


def parts(source: str, name: str) -> list[str]:
    """Return what each element says that has `name` in its tag."""
    element = re.compile(rf"<(\w+)[^>]*{re.escape(name)}[^>]*>(.*?)</\1>", re.DOTALL)
    return [text for _, text in element.findall(source)]


def cancelling(status: Status, outcome: Outcome = Outcome.PENDING, commit: str | None = None) -> OperationRun:
    """Return a run whose cancellation is requested."""
    cancellation = stored_cancellation(point_of_no_return=commit)
    return a_run(status=status, outcome=outcome, context={"cancellation": cancellation})


def actions_of(status: ReviewStatus) -> HeaderActions:
    """Return the actions of a review whose technical report alone is ready."""
    app = Flask("reviews")
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(pages.history_blueprint)
    review = EnvironmentReview(id=uuid4(), environment_id=uuid4(), status=status, superseded_by_id=uuid4())
    readiness = {str(profile): {"ready": profile == Profile.TECHNICAL} for profile in Profile}
    with app.test_request_context():
        return header_actions(review, published_id=None, why_not=None, readiness=readiness)


ASKED, BEYOND = cancelling(Status.RUNNING), cancelling(Status.RUNNING, commit=COMMIT)
FAILED = cancelling(Status.COMPLETED, Outcome.FAILED, COMMIT)
CANCELLED = cancelling(Status.COMPLETED, Outcome.CANCELLED)


def audited(action: AuditAction) -> AuditEntry:
    return AuditEntry(action=action, actor_name="ada", subject="Mine")


def at_step(attempts: int) -> WorkflowView:
    """Return open work that is at the step `collect_evidence`."""
    return replace(IS_OPEN, step="collect_evidence", step_attempts=attempts)


@pytest.mark.parametrize(
    ("template", "name", "sentence"),
    [
        ("account/show.html", 'data-empty="no-workspace"', "You belong to no workspace."),
        ("account/show.html", 'id="password"', '"Change your password" if has_password else'),
        ("account/show.html", "'workspaces.show'", "Members and tokens"),
        ("restore_plans/show.html", 'form="execute"', "Execute restore"),
        ("restore_plans/show.html", 'id="headline"',
         'This restore would change {{ will_change }} item{{ "s" if will_change != 1 }}.'),
        ("restore_plans/show.html", 'id="headline"', "{% else %}There is nothing to change.{% endif %}"),
        ("sessions/link.html", 'class="primary"', "Sign in"),
        ("sessions/sign_in.html", "'openid.start'", "Sign in with {{ provider }}"),
        ("sessions/signed_out.html", "data-signed-out", 'signed out{{ " everywhere" if everywhere }}'),
        ("workspaces/show.html", "data-last-used", "{% else %}never{% endif %}"),
        ("workspaces/show.html", 'data-empty="no-token"', "None. Programs reach this workspace by a token"),
        ("operations/_actions.html", 'id="act-cancel"', "Cancel…"),
        ("operations/_actions.html", 'aria-describedby="cancel-why-not"', "Cancel"),
        ("operations/_actions.html", "data-opens=", "{{ openings[page.related.type] }}"),
        ("operations/cancel.html", 'class="head"', "<h1>Cancel this operation?</h1>"),
        ("operations/cancel.html", 'form="cancel"', "Yes, cancel it"),
        ("operations/cancel.html", 'data-says="stops-where-safe"',
         "never reads “Cancelled” while it may still act."),
        ("operations/chosen.html", 'data-says="about-these"',
         'about the {{ to_do | length }} operation{{ "s" if to_do | length != 1 }} named here and no other'),
        ("operations/chosen.html", 'data-deed="{{ action }}"', "{{ button }}"),
        ("operations/done.html", 'class="button primary"', "Back to the list"),
        ("operations/index.html", 'class="button primary"', "Start an operation"),
        ("operations/_list.html", 'data-empty="nothing-yet"', "No operation has been asked for yet."),
        ("operations/_list.html", 'data-empty="no-match"', "No operation matches these filters."),
        ("operations/_list.html", 'data-empty="no-workspace"', "You do not belong to a workspace"),
        ("operations/_list.html", 'data-empty="unread"', "The operations could not be read."),
        ("operations/_actions.html", 'aria-describedby="{{ name }}-why-not"', "{{ label }}"),
        ("operations/_facts.html", 'id="askers"', "Who else asked"),
        ("operations/_facts.html", 'data-says="with-key"', ", with a key to ask again by{% endif %}"),
        ("operations/_run.html", 'id="correction-',
         'this {{ "first" if loop.first else "then" }} read “{{ correction.before.word }}”, and reads'),
        ("operations/_run.html", 'id="correction-', "and reads “{{ correction.after.word }}” since."),
        ("operations/_run.html", 'data-says="later"', "{{ step.took | duration }} later"),
        ("operations/_run.html", 'data-says="not-needed"', "not needed"),
        ("operations/_run.html", 'data-says="not-yet"', "not yet"),
        ("operations/_run.html", 'id="typical"',
         "Usually {{ typical.shortest | duration_to(typical.longest) }}"),
        ("operations/_run.html", 'data-says="typical"',
         'in this {{ "environment" if typical.of_environment else "workspace" }} that'),
        ("operations/_run.html", 'data-says="typical"', "The middle half of the last {{ typical.runs }} in"),
        ("operations/_truths.html", 'data-says="checked"', "Checked <time data-checked="),
        ("operations/_truths.html", 'data-says="unknown"', "Could not check"),
        ("parts/work.html", 'data-says="attempt"', "attempt {{ step.attempts }}"),
        ("parts/work.html", 'data-says="checked"', 'Checked <time data-checked="engine"'),
        ("parts/work.html", 'data-says="left-out"', "{{ work.left_out }} more steps are not shown."),
        ("parts/work.html", 'data-says="tried"', "tried {{ step.attempts }} times"),
        ("published/index.html", 'data-empty="nothing-yet"', "Nothing has been published yet."),
        ("reviews/_actions.html", 'aria-describedby="why-not"', "{{ given.label }}"),
        ("reviews/_actions.html", 'href="{{ given.address }}"', "{{ given.label }}"),
        ("reviews/_baseline.html", 'data-paths="', '{{ word }}: {{ "{:,}".format(baseline[name]) }}'),
        ("reviews/_baseline.html", 'data-says="more"', "more"),
        ("reviews/_baseline.html", 'data-says="no-baseline"', "no baseline to compare with"),
        ("reviews/_changes.html", 'data-empty="no-change"', "No item changed."),
        ("reviews/_changes.html", 'data-empty="no-match"', "No change matches."),
        ("reviews/_changes.html", 'data-empty="no-match"', "Clear the filters"),
        ("reviews/_changes.html", 'data-says="matching"', 'match{{ "es" if changes_left == 1 }}.'),
        ("reviews/_findings.html", 'data-empty="no-match"', "No finding matches."),
        ("reviews/_findings.html", 'data-empty="nothing-found"', "Nothing stood out."),
        ("reviews/_findings.html", 'data-says="first"',
         'The first {{ finding["items"] | length }} of {{ finding.count | counted("item") }}.'),
        ("reviews/_item.html", 'data-says="counts"', '{{ settings.real_count | counted("setting") }}{% if'),
        ("reviews/_item.html", 'data-says="counts"',
         ', then {{ settings.noise_count | counted("change") }} of export bookkeeping'),
        ("reviews/_item.html", "no-setting", "The whole item was {{ change.state.word | lower }};"),
        ("reviews/_marks.html", 'data-folded="commits"', "<summary>{{ commits | length }} commits</summary>"),
        ("reviews/_marks.html", 'data-says="newest-commit"', "by {{ newest.author | visible }}, {{ moment("),
        ("reviews/_settings.html", 'bookkeeping"', '<summary>{{ "and " if given.real_count }}'),
        ("reviews/_settings.html", 'bookkeeping"', '{{ given.noise_count | counted("change") }} of export'),
        ("reviews/_settings.html", 'bookkeeping"', " of export bookkeeping</summary>"),
        ("reviews/_settings.html", 'data-folded="settings"', '{{ given.real_count | counted("setting") }}'),
        ("reviews/_settings.html", 'data-says="all-settings"', "All settings of this item"),
        ("reviews/_settings.html", 'data-says="first"',
         'The first {{ settings | length }} of {{ count | counted("setting") }}.'),
        ("reviews/_settings.html", 'data-says="now"', "now"),
        ("reviews/finding.html", 'data-says="range"', ' to {{ "{:,}".format(first + finding["items"] '),
        ("reviews/finding.html", 'data-says="range"', ' of {{ "{:,}".format(count) }}'),
        ("reviews/archive.html", 'data-says="for-good"', "but it can never be published"),
        ("reviews/compare.html", 'data-empty="no-difference"', "No item differs."),
        ("reviews/compare.html", 'data-empty="no-match"', "No change matches."),
        ("reviews/compare.html", 'data-empty="no-match"', "Clear the filter"),
        ("reviews/compare.html", 'data-empty="same"', "These are one and the same review."),
        ("reviews/compare.html", 'data-items="', '| counted("item") }} {{ word }}</summary>'),
        ("reviews/compare.html", 'data-says="more"', "more, among <a "),
        ("reviews/compare.html", 'data-says="unread"', "What changed could not be read."),
        ("reviews/history.html", 'data-empty="nothing-yet"', "No review yet."),
        ("reviews/history.html", 'data-says="changed"', "format(review.summary[name]) }} {{ name }}"),
        ("reviews/history.html", 'data-says="found"', '("critical", "critical", "critical")'),
        ("reviews/history.html", 'data-says="found"', '("warning", "warning", "warnings")'),
        ("reviews/history.html", 'data-says="found"', "{{ review.findings[severity] | counted(one, many) }}"),
        ("reviews/history.html", 'form="compare"', "Compare"),
    ],
)  # fmt: skip
def test_a_named_part_of_a_page_says_what_it_is_for(template: str, name: str, sentence: str) -> None:
    found = parts((TEMPLATES / template).read_text(), name)

    assert found
    assert all(sentence in part for part in found)


def test_the_buttons_of_a_run_say_what_they_are_for() -> None:
    actions = (TEMPLATES / "operations/_actions.html").read_text()

    assert '"environment_review": "Open the review"' in actions
    assert '("again", "Run it again", page.why_not_again)' in actions
    assert actions.count('button("again", "Run it again", "again", page.why_not_again)') == 2
    assert '("check", "Check now", page.why_no_check)' in actions
    assert 'button("check", "Check now", "check", page.why_no_check)' in actions


def test_the_button_that_checks_the_chosen_says_so() -> None:
    of_check = '{% else %}\n{% set question, button = "Check these operations now?", "Yes, check them" %}'

    assert of_check in (TEMPLATES / "operations/chosen.html").read_text()


def test_a_review_says_in_sentences_how_the_environment_stands() -> None:
    baseline = {"set": True, "missing": 1, "drifted": 250, "conforming": 7}
    findings = [{"code": each, "severity": each} for each in ("info", "critical", "warning")]

    said = headline(make_document(sections={"baseline": baseline}, findings=findings))

    assert "7 of the baseline\N{RIGHT SINGLE QUOTATION MARK}s 258 items are here unchanged." in said
    assert said.endswith("1 critical finding and 1 warning need attention.")


def test_a_filter_that_cannot_be_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="change: there is no 'burnt'"):
        ReviewFilters.parse({"change": "burnt"})


@pytest.mark.parametrize(
    ("template", "named"),
    [
        ("reviews/_baseline.html", '"drifted", "Different"'),
        ("reviews/compare.html", '"appeared", "Appeared"'),
        ("reviews/compare.html", '"came", "came"'),
        ("reviews/compare.html", '"gone", "No longer there"'),
        ("reviews/compare.html", '"went", "went"'),
    ],
)
def test_what_differs_is_called_so(template: str, named: str) -> None:
    assert named in (TEMPLATES / template).read_text()


def test_a_comparison_asks_for_both_reviews() -> None:
    with (
        Flask("reviews").test_request_context(),
        pytest.raises(InvalidInput, match="to: name the two reviews"),
    ):
        comparison._review(Session(), "to")


@pytest.mark.parametrize(
    ("status", "labels"),
    [
        (ReviewStatus.DRAFT, ["Publish review", "Download pack", "Compare", "Archive"]),
        (ReviewStatus.PUBLISHED, ["Download pack", "Compare"]),
        (ReviewStatus.SUPERSEDED, ["Open the newer review", "Download pack", "Compare"]),
        (ReviewStatus.ARCHIVED, ["Download pack", "Compare"]),
    ],
)
def test_the_actions_of_a_review_say_what_they_do(status: ReviewStatus, labels: list[str]) -> None:
    offered = actions_of(status)

    assert [action.label for action in (offered.primary, *offered.others) if action] == labels


def test_the_reports_that_are_not_ready_are_named() -> None:
    not_ready = "The executive and audit reports are not ready to be shared; see Reports."

    assert actions_of(ReviewStatus.DRAFT).note == not_ready


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        ("services/restores/points.py", "Choose another label."),
        ("web/accounts/account.py", '"This is not your present password."'),
        ("web/accounts/workspaces.py", "Choose one of the roles: "),
        ("web/accounts/sign_in.py", "Try again in {minutes} minute{'' if minutes == 1 else 's'}."),
    ],
)
def test_a_refusal_says_what_is_not_accepted(module: str, sentence: str) -> None:
    assert sentence in (TEMPLATES.parents[1] / module).read_text()


def test_the_link_to_a_review_says_so() -> None:
    assert '"environment_review": "Open the review"' in (TEMPLATES / "operations/_actions.html").read_text()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            ", ".join(place.label for place in (OPERATIONS, ENVIRONMENTS, PUBLISHED)),
            "Operations, Environments, Published",
        ),
        (PAGES["403"].title, "Your role does not allow this"),
        (PAGES["404"].title, "There is nothing here."),
        (PAGES["405"].title, "does not work that way"),
        (PAGES["413"].title, "more than this form can take"),
        (PAGES["500"].title, "Something went wrong on our side."),
        (PAGES["503"].title, "cannot be read right now"),
        (PAGES["csrf"].title, "no longer valid"),
        (sign_in._WRONG, "This e-mail address and password do not belong together."),
        (PAGES["sign_in_link"].title, "This sign-in link does not work any more."),
        (
            REASONS[ReasonCode.ENVIRONMENT_UNREACHABLE].title,
            "The environment's repository could not be reached.",
        ),
        (REASONS[ReasonCode.CANCELLED].title, "The operation was cancelled."),
        (REASONS[ReasonCode.REVIEW_COMPOSED].title, "The review is ready."),
        (REASONS[ReasonCode.REVIEW_ALREADY_COMPOSED].title, "This review exists already."),
        (REASONS[ReasonCode.REVIEW_NOT_COMPOSED].title, "No review was made."),
        (REASONS[ReasonCode.REVIEW_NOT_COMPOSED].body, "The environment itself was not touched"),
        (REASONS[ReasonCode.RESTORE_APPLIED].title, "The restore is done."),
        (TOO_LATE.title, "Somebody asked to cancel this, too late"),
        (PAGES["503"].title, "The records cannot be read right now."),
        (PAGES["unknown_person"].title, "You are not known here yet."),
        (PAGES["subject_refused"].title, "You could not be signed in as that person."),
        (PAGES["identity_refused"].title, "You could not be signed in."),
        (PAGES["identity_provider_unreachable"].title, "The identity provider does not answer."),
        (PAGES["engine"].title, "This could not be checked right now."),
        (str(AlreadyCompleted()), "This run has already ended."),
        (UNDECIDED["leave"][0], "Nothing to settle: the work is not over."),
        (UNDECIDED["dispatch"][2], "Hand it over again"),
        (UNCHANGED["recorded"], "This is what is recorded already. Nothing would change."),
        (SETTLE, "Settle it so"),
        (SOURCES["sweep"], "The regular check"),
        (SOURCES["operator"], "A person who asked to check"),
        (SOURCES["result"], "The operation itself, together with its result"),
        (NOT_ASKED, "did not answer in time"),
        (support_bundle._SILENT, "Temporal did not answer in time."),
        (run_list._FAILED, "The numbers could not be read just now."),
        (sentence_of(audited(AuditAction.VIEW_SAVED)), "ada saved the view “Mine”."),
        (sentence_of(audited(AuditAction.VIEW_DELETED)), "ada deleted the view “Mine”."),
        (workflow_steps.NOT_READ, "The steps could not be read just now."),
        (workflow_steps.LABELS["collect_evidence"], "Read the configuration"),
        (workflow_steps.LABELS["compose_review"], "Compose the review"),
        (workflow_steps.RESULTS["completed"].word, "Done"),
        (workflow_steps.UNDER_WAY.word, "Under way"),
        (workflow_steps.WAITING.word, "Waiting"),
        (OF_RUN[Status.QUEUED].word, "Queued"),
        (OF_RUN[Status.RUNNING].word, "Running"),
        (OF_RUN[Outcome.FAILED].word, "Failed"),
        (OF_RUN[Outcome.ATTENTION_REQUIRED].word, "Needs attention"),
        (why_not_again(ASKED) or "", "It is still under way."),
        (NOT_THERE, "There is no such operation."),
        (NO_TIME, "There was no time left to get to it."),
        (NOT_NOW, "did not answer"),
        (workflow_steps.ENDINGS["failed"], "The work ended before all of it was done."),
        (workflow_steps.RESULTS[None].word, "Not finished"),
        (OF_RUN[Outcome.SUCCEEDED].word, "Succeeded"),
        (OF_RUN[Outcome.CANCELLED].word, "Cancelled"),
        (why_not_cancel(FAILED), "It has already ended."),
        (why_not_cancel(ASKED), "Its cancellation was asked for already."),
        (
            why_not(READER, HERE, Capability.OPERATIONS_ACT),
            "Your role here (reader) may not start, check or cancel operations",
        ),
        (unread(RefNotFound("gone")), "The repository no longer has the state"),
        (unread(RepositoryError()), "could not be read just now"),
        (unread(TooManyFetches()), "Too many repositories are being asked"),
        (str(malformed_cursor()), "not a cursor of this list"),
        (
            why_not(READER, HERE, Capability.REVIEWS_MANAGE),
            "Your role here (reader) may not publish or archive reviews.",
        ),
    ],
)
def test_a_named_sentence_says_what_it_is_for(said: str, sentence: str) -> None:
    assert sentence in said


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


@pytest.mark.parametrize(
    ("refuse", "sentence"),
    [
        (lambda: check_name(" "), "A name is 1 to 200 printable characters."),
        (lambda: check_password("short"), "A password is 12 to 256 characters"),
        (lambda: ensure_person(Session(), "nobody"), "'nobody' is not an e-mail address"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(refuse: Callable[[], object], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        refuse()


@pytest.mark.parametrize(
    ("action", "detail", "sentence"),
    [
        (AuditAction.MEMBER_ADDED, "reviewer", "bob added ada as reviewer."),
        (
            AuditAction.MEMBER_ROLE_CHANGED,
            "reader to operator",
            "bob changed the role of ada from reader to operator.",
        ),
        (AuditAction.MEMBER_REMOVED, "operator", "bob removed ada, who was operator."),
        (AuditAction.TOKEN_REVOKED, "reader, opr_", "bob revoked the token “ada” (reader, opr_)."),
    ],
)
def test_a_change_of_a_workspace_says_who_changed_what(
    action: AuditAction, detail: str, sentence: str
) -> None:
    entry = AuditEntry(action=action, actor_name="bob", subject="ada", detail=detail)

    assert sentence_of(entry) == sentence
