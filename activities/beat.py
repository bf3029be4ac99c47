from temporalio import activity
from temporalio.exceptions import CancelledError


def alive() -> None:
    """Tell Temporal that the activity lives. Called often; the SDK sends at most one heartbeat a second."""
    activity.heartbeat()


def beat() -> None:
    """Tell Temporal that the activity lives, and stop at this safe point where it has been cancelled.

    Raises CancelledError.
    """
    alive()
    if activity.is_cancelled():
        raise CancelledError("cancelled at a safe point")
