import logging
from typing import Any, Final

import structlog
from temporalio.exceptions import ApplicationError, CancelledError

from activities.settle import SettleRunActivities
from models.correlation import parse_workflow_id
from models.errors import NoDecision, PushRaced, RunRefused, TooManyFetches
from models.reason_codes import ReasonCode

_log = structlog.get_logger()

# A run ends for one of these reasons by a rule; the other four end an attempt, or a workflow without a run.
_REASONS: Final[frozenset[str]] = frozenset(ReasonCode) - {ReasonCode.UNEXPECTED_ERROR}
_EXPECTED: Final = _REASONS | {RunRefused.code, PushRaced.code, NoDecision.code, TooManyFetches.code}

_SETTLING: Final = SettleRunActivities.settle_run.__name__


def report_failures() -> None:
    """Write a failed attempt of an activity as one line of our own, in place of the SDK's.

    The line is `step_failed` with the ids of the run and the workflow; it has a traceback exactly where no
    rule foresees the error. An attempt that Temporal has given up on is `step_stopped`. A failure that ends
    its run has no line here: `run_reconciled` names it beside the outcome. For the worker process; calling
    it again changes nothing.
    """
    logging.getLogger("temporalio.activity").addFilter(_report)


def _report(record: logging.LogRecord) -> bool:
    """Return whether the SDK's line stays: where it reports something else than a failed attempt."""
    if getattr(record, "__temporal_error_identifier", None) != "ActivityFailure" or not record.exc_info:
        return True
    error, ids = record.exc_info[1], _ids(record)
    if isinstance(error, CancelledError):
        _log.info("step_stopped", **ids)
    elif not isinstance(error, ApplicationError) or error.type not in _EXPECTED:
        _log.warning("step_failed", **ids, exc_info=error)
    elif not _is_settled(error, ids["step"]):
        _log.warning("step_failed", **ids, code=error.type, detail=error.message)
    return False


def _is_settled(error: ApplicationError, step: str) -> bool:
    """Return whether the failure bridge settles the run for this error, which writes a line of its own."""
    return error.non_retryable and error.type in _REASONS and step != _SETTLING


def _ids(record: logging.LogRecord) -> dict[str, Any]:
    details: dict[str, Any] = getattr(record, "temporal_activity", {})
    workflow_id = details.get("workflow_id", "")
    correlation = parse_workflow_id(workflow_id)
    return {
        "run_id": str(correlation.run_id) if correlation else None,
        "workflow_id": workflow_id,
        "step": details.get("activity_type"),
        "attempt": details.get("attempt"),
    }
