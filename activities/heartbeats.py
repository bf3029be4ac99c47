import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from temporalio import activity
from temporalio.exceptions import CancelledError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

HEARTBEAT_INTERVAL: Final = timedelta(seconds=0.5)


class HeartbeatInterceptor(Interceptor):
    """Tells Temporal twice a second that the worker lives, whatever its activities are at.

    A worker's silence is noticed within seconds then (`workflows.policies.HEARTBEAT_TIMEOUT`), and an
    activity that reckons or waits for a lock is not taken for a dead one. How long a step may take is held
    to by its own limits.
    """

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Put the pulse around the activity."""
        return _HeartbeatingActivity(next)


class _HeartbeatingActivity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        pulse = asyncio.create_task(_heartbeat())
        try:
            return await super().execute_activity(input)
        finally:
            pulse.cancel()


async def _heartbeat() -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_INTERVAL.total_seconds())
        # In a thread: the SDK's heartbeat of a synchronous activity waits for this very loop.
        with suppress(TimeoutError):
            await asyncio.to_thread(activity.heartbeat)


def check_cancelled() -> None:
    """Stop the activity at this safe point where it has been cancelled; cheap enough for every item.

    That the activity lives is told by its pulse (activities/heartbeats.py). Raises CancelledError.
    """
    if activity.is_cancelled():
        raise CancelledError("cancelled at a safe point")
