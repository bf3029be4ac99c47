from models.contracts import Contract
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reasons import ReasonCode
from web.presenters.wording import CAUSES, ENDINGS, REASONS, UNKNOWN, VARIANTS, Wording

# Reconciliation says only that nothing came of the run; a failure of the run may say why.
_GENERIC = frozenset({ReasonCode.REVIEW_NOT_COMPOSED, ReasonCode.RESTORE_NOT_APPLIED})
_TELLING = frozenset(
    {
        ReasonCode.ENVIRONMENT_UNREACHABLE,
        ReasonCode.REF_NOT_FOUND,
        ReasonCode.PATH_PREFIX_EMPTY,
        ReasonCode.REPOSITORY_TOO_LARGE,
        ReasonCode.INPUT_REFUSED,
        ReasonCode.ACTIVITY_TIMED_OUT,
        ReasonCode.DEADLINE,
        ReasonCode.UNEXPECTED_ERROR,
        ReasonCode.PUSH_REFUSED,
        ReasonCode.ITEMS_REFUSED,
    }
)


class Message(Contract):
    """What an operator is told of a run (law L10): what happened, what it means, what to do next."""

    code: str
    title: str
    body: str
    next: str


def message_of(run: OperationRun) -> Message:
    """Word how a run stands; no field is empty for any status or outcome."""
    code = reason_of(run)
    wording = _wording(run, code)
    cause = CAUSES.get(_evidence(run).get("cause", "")) if code in _GENERIC else None
    body = f"{cause} {wording.body}" if cause else wording.body
    return Message(code=code, title=wording.title, body=body, next=wording.next)


def reason_of(run: OperationRun) -> str:
    """Return the code that says most of why a run stands as it does.

    1. An active run: its status.
    2. A reconciled one: the reason of its reconciliation; where that is only that nothing came of it, a
       cancellation or the newest failure that tells more.
    3. One that was never handed over: its failure.
    4. A success of its own doing: what its operation makes.
    """
    if run.status != Status.COMPLETED:
        return run.status
    reconciliation = run.context.get("reconciliation")
    if reconciliation is None:
        return _failure(run) or _success(run) or run.outcome
    reason = str(reconciliation["reason_code"])
    if reason not in _GENERIC:
        return reason
    if run.outcome == Outcome.CANCELLED:
        return ReasonCode.CANCELLED
    return _failure(run) or reason


def _failure(run: OperationRun) -> str | None:
    codes = [str(failure["code"]) for failure in run.failures]
    if run.outcome == Outcome.FAILED and ReasonCode.DISPATCH_FAILED in codes:
        return ReasonCode.DISPATCH_FAILED
    if run.outcome in {Outcome.SUCCEEDED, Outcome.PARTIALLY_SUCCEEDED}:
        return None
    return next((code for code in reversed(codes) if code in _TELLING), None)


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
    return (
        VARIANTS.get((code, run.type))
        or REASONS.get(code)
        or ENDINGS.get(run.outcome if run.status == Status.COMPLETED else run.status)
        or UNKNOWN
    )


def _evidence(run: OperationRun) -> dict[str, str]:
    evidence = (run.context.get("reconciliation") or {}).get("evidence") or {}
    return dict(evidence)
