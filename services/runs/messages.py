from collections.abc import Sequence
from typing import Final

from models.contracts import Contract
from models.errors import RepositoryTooLarge
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from services.runs.wording import CAUSES, ENDINGS, REASONS, TOO_LATE, UNKNOWN, VARIANTS, Wording

# These say only that the run made nothing; one of its failures may say why.
_GENERIC = frozenset({ReasonCode.REVIEW_NOT_COMPOSED, ReasonCode.RESTORE_NOT_APPLIED})
_TELLING = frozenset(
    {
        ReasonCode.ENVIRONMENT_UNREACHABLE,
        ReasonCode.REPOSITORY_NOT_COVERED,
        ReasonCode.ENCRYPTION_KEY_MISSING,
        ReasonCode.REF_NOT_FOUND,
        ReasonCode.PATH_PREFIX_EMPTY,
        ReasonCode.REPOSITORY_TOO_LARGE,
        ReasonCode.REPOSITORY_DAMAGED,
        ReasonCode.INPUT_REFUSED,
        ReasonCode.ACTIVITY_TIMED_OUT,
        ReasonCode.DEADLINE,
        ReasonCode.UNEXPECTED_ERROR,
        ReasonCode.PUSH_REFUSED,
        ReasonCode.ITEMS_REFUSED,
    }
)
# These say why the workflow ended but not whether the run made anything; the generic reason does.
_OPEN_ENDED = frozenset({ReasonCode.ACTIVITY_TIMED_OUT, ReasonCode.DEADLINE, ReasonCode.UNEXPECTED_ERROR})
_NAMED_IN_A_SENTENCE: Final = 3


class Message(Contract):
    """What the API says of a run (law L10): what happened, what it means, what to do next."""

    code: str
    title: str
    body: str
    next: str


class Card(Contract):
    """What the page says of a run in four lines: what happened, what it means, what was done, what to do.

    `items` are the paths of the configuration items that blocked the run.
    """

    code: str
    title: str
    meaning: str
    done: str
    next: str
    items: Sequence[str] = ()


def message_of(run: OperationRun) -> Message:
    """Word the state of a run; no field is empty for any status or outcome."""
    card = card_of(run)
    lines = [card.meaning, _named(card.items)]
    if run.status == Status.COMPLETED:
        lines.append(card.done)
    return Message(code=card.code, title=card.title, body=" ".join(filter(None, lines)), next=card.next)


def card_of(run: OperationRun) -> Card:
    """Word the state of a run in four lines, none of them empty."""
    code = reason_of(run)
    wording = _wording(run, code)
    settled = run.context.reconciliation
    cause = CAUSES.get(settled.cause or "") if settled and code in _GENERIC else None
    came_of_it = REASONS.get(_reason(run)) if code in _OPEN_ENDED else None
    meaning = (
        cause.happened if cause else "",
        wording.body,
        came_of_it.body if came_of_it else "",
        _limit(run) if code == ReasonCode.REPOSITORY_TOO_LARGE else "",
    )
    return Card(
        code=code,
        title=wording.title,
        meaning=" ".join(filter(None, meaning)),
        done=f"{cause.done} {wording.done}" if cause else wording.done,
        next=wording.next,
        items=settled.changed_items if settled and code == ReasonCode.ENVIRONMENT_CHANGED else (),
    )


def reason_of(run: OperationRun) -> str:
    """Return the most telling code for the state of a run.

    1. An active run: that its push has no answer, that its cancellation is requested, or its status.
    2. A reconciled run: the reason of its reconciliation; where that is generic, the cancellation or the
       newest failure that says more.
    3. A run that was never dispatched: its failure.
    4. A run that completed by itself: what its operation makes.
    """
    if run.status != Status.COMPLETED:
        return _of_active(run)
    reason = _reason(run)
    if not reason:
        return _failure(run) or _success(run) or run.outcome
    if reason not in _GENERIC:
        return reason
    if run.outcome == Outcome.CANCELLED:
        return ReasonCode.CANCELLED
    return _failure(run) or reason


def _of_active(run: OperationRun) -> str:
    context = run.context
    # A failure, or a planned look, says that the workflow does no more.
    if context.unanswered_push and (run.failures or context.look_claimed_until):
        return ReasonCode.PUSH_UNANSWERED
    return ReasonCode.CANCELLATION_REQUESTED if context.cancellation else run.status


def _reason(run: OperationRun) -> str:
    """Return the reason of a run's reconciliation; empty where it has none."""
    reconciliation = run.context.reconciliation
    return reconciliation.reason_code if reconciliation else ""


def _failure(run: OperationRun) -> str | None:
    codes = [str(failure["code"]) for failure in run.failures]
    if run.outcome == Outcome.FAILED and ReasonCode.DISPATCH_FAILED in codes:
        return ReasonCode.DISPATCH_FAILED
    if run.outcome in {Outcome.SUCCEEDED, Outcome.PARTIALLY_SUCCEEDED}:
        return None
    return next((code for code in reversed(codes) if code in _TELLING), None)


def _limit(run: OperationRun) -> str:
    """Return which limit the repository passed, in the words of RepositoryTooLarge."""
    failures = (failure for failure in reversed(run.failures) if failure["code"] == RepositoryTooLarge.code)
    return next((str(failure["detail"]) for failure in failures), "")


def _success(run: OperationRun) -> str | None:
    if run.outcome == Outcome.PARTIALLY_SUCCEEDED:
        return ReasonCode.RESTORE_PARTLY_APPLIED
    if run.outcome != Outcome.SUCCEEDED:
        return None
    if run.type == "environment.review.compose":
        return ReasonCode.REVIEW_COMPOSED
    done = run.summary_counts.get("written", 0) + run.summary_counts.get("removed", 0)
    return ReasonCode.RESTORE_APPLIED if done else ReasonCode.RESTORE_NOT_NEEDED


def _wording(run: OperationRun, code: str) -> Wording:
    cancellation = run.context.cancellation
    if code == ReasonCode.CANCELLATION_REQUESTED and cancellation and cancellation.point_of_no_return:
        return TOO_LATE
    return (
        VARIANTS.get((code, run.outcome))
        or REASONS.get(code)
        or ENDINGS.get(run.outcome if run.status == Status.COMPLETED else run.status)
        or UNKNOWN
    )


def _named(items: Sequence[str]) -> str:
    if not items:
        return ""
    more = len(items) - _NAMED_IN_A_SENTENCE
    names = ", ".join(items[:_NAMED_IN_A_SENTENCE])
    return f"Changed: {names}{f' and {more} more' if more > 0 else ''}."
