import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from temporalio import activity
from temporalio.exceptions import CancelledError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

HEARTBEAT_INTERVAL: Final = timedelta(seconds=0.5)


class HeartbeatInterceptor(Interceptor):
    """Sends a heartbeat twice a second for each activity, whatever it does at the moment.

    Temporal notices a dead worker within seconds then (`workflows.policies.HEARTBEAT_TIMEOUT`), and never
    takes an activity that computes or waits for a lock for a dead one. Its timeouts limit how long it takes.
    """

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Put the heartbeat around the activity."""
        return _HeartbeatingActivity(next)


class _HeartbeatingActivity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        heartbeat = asyncio.create_task(_heartbeat())
        try:
            return await super().execute_activity(input)
        finally:
            heartbeat.cancel()


async def _heartbeat() -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_INTERVAL.total_seconds())
        # In a thread: the SDK's heartbeat of a synchronous activity waits for this very loop.
        with suppress(TimeoutError):
            await asyncio.to_thread(activity.heartbeat)


def check_cancelled() -> None:
    """Stop the activity at this safe point where it has been cancelled; cheap enough for every item.

    It sends no heartbeat: HeartbeatInterceptor does. Raises CancelledError.
    """
    if activity.is_cancelled():
        raise CancelledError("cancelled at a safe point")
