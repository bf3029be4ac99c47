from enum import StrEnum

from models.lifecycle import is_correctable
from models.operation_run import OperationRun
from models.reconciliation import ReconciliationDecision


class WriteResult(StrEnum):
    """What writing a decision did."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    ALREADY_SUCCEEDED = "already_succeeded"


def result_of_writing(run: OperationRun, decision: ReconciliationDecision) -> WriteResult:
    """Return what writing a decision to a run does (law L5).

    1. The same decision again (adapter, outcome, reason, related) changes no byte.
    2. A decision about a run that succeeded is not written: success is never taken back.
    3. Any other is written.
    """
    recorded = run.context.reconciliation
    if recorded is not None and recorded.is_same(decision):
        return WriteResult.UNCHANGED
    if not is_correctable(run.outcome):
        return WriteResult.ALREADY_SUCCEEDED
    return WriteResult.WRITTEN
