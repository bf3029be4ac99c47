from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
    is_cancelled_exception,
)
from temporalio.exceptions import (
    TimeoutError as TemporalTimeoutError,
)

with workflow.unsafe.imports_passed_through():
    from models.contracts import Cause, Closing, Failure
    from models.reason_codes import ReasonCode

_DETAIL_LENGTH = 2000


def closing_of(error: BaseException, *, at: datetime) -> Closing:
    """Return how an error ends the workflow: the cause, and the failure as the run keeps it."""
    chain = _chain(error)
    step = next((link.activity_type for link in chain if isinstance(link, ActivityError)), None)
    cause, code, attempts = _classify(error, chain)
    detail = " / ".join(f"{type(link).__name__}: {link}" for link in chain)[:_DETAIL_LENGTH]
    return Closing(
        cause=cause, failure=Failure(code=code, step=step, attempts=attempts, at=at, detail=detail)
    )


def _classify(error: BaseException, chain: list[BaseException]) -> tuple[Cause, ReasonCode, int | None]:
    if is_cancelled_exception(error):
        return "cancelled", ReasonCode.CANCELLED, None
    # Temporal's own time-out is a FailureError; a plain one is the deadline that the bridge set.
    if not isinstance(error, FailureError):
        return "deadline", ReasonCode.DEADLINE, None
    # The first link that says something; the links below it are what our own code translated it from.
    root = next((link for link in chain if isinstance(link, ApplicationError | TemporalTimeoutError)), error)
    if isinstance(root, ApplicationError):
        attempts = root.details[0] if root.details and isinstance(root.details[0], int) else None
        code = _known(root.type)
        return "cancelled" if code is ReasonCode.CANCELLED else "activity_failed", code, attempts
    if isinstance(root, TemporalTimeoutError):
        return "activity_timed_out", ReasonCode.ACTIVITY_TIMED_OUT, None
    return "activity_failed", ReasonCode.UNEXPECTED_ERROR, None


def _known(code: str | None) -> ReasonCode:
    try:
        return ReasonCode(code or "")
    except ValueError:
        return ReasonCode.UNEXPECTED_ERROR


def _chain(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (cause := chain[-1].__cause__) is not None:
        chain.append(cause)
    return chain
