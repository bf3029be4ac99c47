from temporalio import activity
from temporalio.exceptions import CancelledError


def beat() -> None:
    """Stop the activity at this safe point where it has been cancelled; cheap enough for every item.

    That the activity lives is told by its pulse (activities/pulse.py). Raises CancelledError.
    """
    if activity.is_cancelled():
        raise CancelledError("cancelled at a safe point")
