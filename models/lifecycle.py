from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Where a run stands. There are three, and no fourth (law L1)."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"


class Outcome(StrEnum):
    """How a run ended; `pending` exactly while it has not."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    PARTIALLY_SUCCEEDED = "partially_succeeded"
    BLOCKED = "blocked"
    ATTENTION_REQUIRED = "attention_required"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = frozenset({Status.QUEUED, Status.RUNNING})
TERMINAL = frozenset({Status.COMPLETED})
FINAL_OUTCOMES = frozenset(Outcome) - {Outcome.PENDING}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A status together with its outcome."""

    status: Status
    outcome: Outcome


QUEUED = Standing(status=Status.QUEUED, outcome=Outcome.PENDING)
RUNNING = Standing(status=Status.RUNNING, outcome=Outcome.PENDING)


def completed(outcome: Outcome) -> Standing:
    """Return the standing of a run that completed with `outcome`."""
    return Standing(status=Status.COMPLETED, outcome=outcome)


# A duplicate that was started directly is inserted as blocked; every other run as queued (law L7).
BIRTHS = frozenset({QUEUED, completed(Outcome.BLOCKED)})

# The moves of a run that has not completed.
MOVES = frozenset(
    {(QUEUED, RUNNING)}
    | {(QUEUED, completed(outcome)) for outcome in FINAL_OUTCOMES}
    | {(RUNNING, completed(outcome)) for outcome in FINAL_OUTCOMES}
)


def is_correctable(outcome: str) -> bool:
    """Return whether reconciliation may change this outcome of a run: success is never taken back."""
    return outcome != Outcome.SUCCEEDED


# The moves that only reconciliation may make: corrections, never away from success.
CORRECTIONS = frozenset(
    (completed(before), completed(after))
    for before in FINAL_OUTCOMES
    for after in FINAL_OUTCOMES
    if is_correctable(before) and before is not after
)
