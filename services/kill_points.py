from collections.abc import Callable
from typing import Final

# Called with a point's name. In the fault lane the worker dies or pauses there
# (runtime/process/fault_injection.py).
FaultHook = Callable[[str], None]

KILL_POINTS: Final = (
    "compose.after_start",
    "compose.after_fetch",
    "compose.after_evidence",
    "compose.before_insert",
    "compose.before_commit",
    "compose.after_commit",
    "restore.after_start",
    "restore.after_fetch",
    "restore.before_intent",
    "restore.after_ticket",
    "restore.before_push",
    "restore.after_push",
    "restore.before_record",
    "restore.after_record",
)


def no_op(point: str) -> None:
    """Do nothing: the hook of every process outside the fault lane."""
