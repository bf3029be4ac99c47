from typing import Final, Literal

from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reasons import ReasonCode

# A plan is never changed: what held its restore back would do so again.
_PLAN_IS_SPENT: Final = frozenset({ReasonCode.ENVIRONMENT_CHANGED, ReasonCode.ITEMS_REFUSED})

Primary = Literal["related", "check", "again"]


def primary_of(run: OperationRun, *, has_related: bool) -> Primary:
    """Return the one thing to do first about a run: look at what it led to, check it, or run it again."""
    if has_related:
        return "related"
    ended_without = {Outcome.FAILED, Outcome.CANCELLED, Outcome.BLOCKED}
    return "again" if run.outcome in ended_without and why_not_again(run) is None else "check"


def why_no_cancel(run: OperationRun) -> str | None:
    """Say why there is nothing to cancel; None where there is."""
    if run.status == Status.COMPLETED:
        return "It has already ended."
    return "Its cancellation was asked for already." if "cancellation" in run.context else None


def why_not_again(run: OperationRun) -> str | None:
    """Say why a run cannot be run again; None where it can."""
    if run.status != Status.COMPLETED:
        return "It is still under way."
    reason = (run.context.get("reconciliation") or {}).get("reason_code")
    return "Its plan would be held back again. Make a new one." if reason in _PLAN_IS_SPENT else None
