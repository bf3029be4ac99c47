"""The sentences that must be right: what other tests find by its code or `data-` name stands here, once."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

import web
from models.access import AuditAction, AuditEntry, Role
from models.actor import Actor
from models.catalog import Capability
from models.errors import AlreadyCompleted, InvalidInput, RefNotFound, RepositoryError, TooManyFetches
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from models.review import EnvironmentReview, ReviewStatus
from services.access.principals import Principal
from services.database.paging import malformed_cursor
from services.reports.sentences import headline
from services.reviews.queries import ReviewFilters
from services.reviews.readiness import Profile
from services.runs.cancellation import why_not_cancel
from services.runs.operations import why_not_again
from services.runs.wording import REASONS, TOO_LATE
from tests.review_documents import make_document
from tests.runs.contexts import stored_cancellation
from tests.runs.viewer.test_messages import a_run
from web.accounts import sign_in
from web.accounts.audit_wording import sentence_of
from web.error_pages import PAGES
from web.reviews import comparison, pages
from web.reviews.actions import HeaderActions, header_actions
from web.reviews.comparison import unread
from web.runs import run_list, support_bundle, workflow_steps
from web.runs.bulk import NO_TIME, NOT_NOW, NOT_THERE
from web.runs.check_page import SETTLE, UNCHANGED, UNDECIDED
from web.runs.receipt import SOURCES
from web.runs.truths import (
    NOT_ASKED,
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


def audited(action: AuditAction) -> AuditEntry:
    return AuditEntry(action=action, actor_name="ada", subject="Mine")


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
        ("reviews/_marks.html", 'data-says="newest-commit"', "by {{ newest.author }}, {{ moment("),
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
