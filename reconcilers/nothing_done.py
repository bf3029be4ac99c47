from models.lifecycle import Outcome
from models.reconciliation import Execution

# Endings that are nobody's failure where the cancellation had been asked for before.
_QUIET_CAUSES = frozenset({"never_started", "history_gone", "task_failing"})


def outcome_of_nothing_done(execution: Execution, *, cancellation_asked: bool) -> Outcome:
    """Return how a run ended that did nothing: cancelled if that was asked for, else failed.

    Termination and time-outs are failures, whatever was asked (section 7).
    """
    if execution.cause == "cancelled" or (cancellation_asked and execution.cause in _QUIET_CAUSES):
        return Outcome.CANCELLED
    return Outcome.FAILED
