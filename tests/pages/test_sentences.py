"""The sentences that must be right: what other tests find by its code or `data-` name stands here, once."""

import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

import web
from models.access import AuditAction, AuditEntry, Role
from models.actor import Actor
from models.base import utc_now
from models.catalog import Capability
from models.errors import AlreadyCompleted, InvalidInput
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun, OperationRunTransition
from models.reason_codes import ReasonCode
from services.access.members import ensure_person
from services.access.passwords import check_password
from services.access.principals import Principal
from services.runs.cancellation import why_not_cancel
from services.runs.wording import REASONS, TOO_LATE
from services.validation import check_name
from tests.runs.contexts import stored_cancellation
from tests.runs.viewer.test_messages import a_run
from web.accounts import sign_in
from web.accounts.workspaces import sentence_of
from web.error_pages import PAGES
from web.runs import workflow_steps
from web.runs.bulk import NO_TIME, NOT_NOW, NOT_THERE
from web.runs.check_page import SETTLE, UNCHANGED, UNDECIDED
from web.runs.progress import ladder_of, point_of_no_return, timeline_of
from web.runs.receipt import SOURCES
from web.ui.navigation import why_not
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


ASKED, BEYOND = cancelling(Status.RUNNING), cancelling(Status.RUNNING, commit=COMMIT)
FAILED = cancelling(Status.COMPLETED, Outcome.FAILED, COMMIT)
CANCELLED = cancelling(Status.COMPLETED, Outcome.CANCELLED)


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
        ("operations/cancel.html", 'class="head"', "<h1>Cancel this operation?</h1>"),
        ("operations/cancel.html", 'form="cancel"', "Yes, cancel it"),
        ("operations/cancel.html", 'data-says="stops-where-safe"',
         "never reads “Cancelled” while it may still act."),
        ("operations/chosen.html", 'data-says="about-these"',
         'about the {{ to_do | length }} operation{{ "s" if to_do | length != 1 }} named here and no other'),
        ("operations/_list.html", 'data-empty="nothing-yet"', "No operation has been asked for yet."),
        ("operations/_list.html", 'data-empty="no-match"', "No operation matches these filters."),
        ("operations/_list.html", 'data-empty="no-workspace"', "You do not belong to a workspace"),
        ("operations/_list.html", 'data-empty="unread"', "The operations could not be read."),
        ("operations/_run.html", 'id="correction-',
         'this {{ "first" if loop.first else "then" }} read “{{ correction.before.word }}”, and reads'),
        ("operations/_run.html", 'id="correction-', "and reads “{{ correction.after.word }}” since."),
        ("operations/_run.html", 'data-says="later"', "{{ step.took | duration }} later"),
        ("operations/_run.html", 'data-says="not-needed"', "not needed"),
        ("operations/_run.html", 'data-says="not-yet"', "not yet"),
        ("parts/work.html", 'data-says="attempt"', "attempt {{ step.attempts }}"),
        ("parts/work.html", 'data-says="left-out"', "{{ work.left_out }} more steps are not shown."),
        ("parts/work.html", 'data-says="tried"', "tried {{ step.attempts }} times"),
    ],
)  # fmt: skip
def test_a_named_part_of_a_page_says_what_it_is_for(template: str, name: str, sentence: str) -> None:
    found = parts((TEMPLATES / template).read_text(), name)

    assert found
    assert all(sentence in part for part in found)


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
        (PAGES["404"].title, "There is nothing here."),
        (PAGES["500"].title, "Something went wrong on our side."),
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
