from contextvars import ContextVar
from typing import Any

import structlog
from temporalio import activity
from temporalio.exceptions import FailureError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.errors import to_application_error
from models.base import Clock, utc_now
from models.correlation import Correlation, resolve
from models.errors import RunRefused
from services.runs.new_run import Dispatch

_correlation: ContextVar[Correlation] = ContextVar("correlation")


def correlation() -> Correlation:
    """Return the correlation of the workflow that the current activity works for."""
    return _correlation.get()


def taken_by_temporal() -> Dispatch:
    """Return where Temporal took the current activity's workflow, and by when it had."""
    info = activity.info()
    return Dispatch(
        queue=info.task_queue,
        connection=info.namespace,
        dispatched_at=info.scheduled_time,
        workflow_run_id=workflow_run_id(),
    )


def workflow_run_id() -> str:
    """Return Temporal's own id of the workflow execution that the current activity works for."""
    found = activity.info().workflow_run_id
    if found is None:
        raise RunRefused
    return found


class TrackingInterceptor(Interceptor):
    """Resolves the correlation of each activity once, for the activity and its log lines (law L6)."""

    def __init__(self, *, clock: Clock = utc_now) -> None:
        self._clock = clock

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Put the tracking in front of the activity."""
        return _TrackingActivity(next, self._clock)


class _TrackingActivity(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, clock: Clock) -> None:
        super().__init__(following)
        self._clock = clock

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        info = activity.info()
        resolved = resolve(info.workflow_id or "", info.workflow_type or "")
        if resolved is None:
            raise to_application_error(RunRefused(), now=self._clock())
        token = _correlation.set(resolved)
        bound = structlog.contextvars.bind_contextvars(
            run_id=str(resolved.run_id),
            operation_type=resolved.operation_type.value,
            workflow_id=info.workflow_id,
            step=info.activity_type,
            attempt=info.attempt,
        )
        try:
            return await super().execute_activity(input)
        except FailureError:
            raise
        except Exception as error:
            raise to_application_error(error, now=self._clock()) from error
        finally:
            structlog.contextvars.reset_contextvars(**bound)
            _correlation.reset(token)
