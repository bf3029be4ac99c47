"""The workflows' own code, inside the failure bridge, on the checker's ports in place of Temporal's SDK."""

import asyncio
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, TimeoutType
from temporalio.exceptions import TimeoutError as TemporalTimeoutError
from temporalio.worker import ExecuteWorkflowInput

from models.contracts import Contract
from models.correlation import Correlation
from services.engine.port import FirstEvent
from tests.proof.ports.temporal import Schedule, Verdict, run_id_of
from tests.proof.replay import Ports
from tests.proof.world import BEGINNING
from workflows.failure_bridge import FailureBridge

# An activity that Temporal, or the attempt itself at a safe point, ended as cancelled.
STOPPED = "stopped"
# One whose attempts did not end in time.
TIMED_OUT = "timed out"


@dataclass(frozen=True)
class Execution:
    """A program: one workflow, by its id, its class and its input."""

    correlation: Correlation
    code: type
    argument: Contract

    def __call__(self, ports: Ports) -> Any:
        return asyncio.run(_Running(ports, self).run())

    def first_event(self) -> FirstEvent:
        """Return how it was started."""
        return FirstEvent(
            workflow_type=self.correlation.operation_type,
            workflow_run_id=run_id_of(self.correlation.workflow_id),
            task_queue="operation-runs",
            started_at=BEGINNING,
            operation_input=self.argument.model_dump(mode="json"),
        )


class _Running:
    def __init__(self, ports: Ports, execution: Execution) -> None:
        self._ports = ports
        self._execution = execution
        self._now = BEGINNING
        self._limit: asyncio.Timeout | None = None
        self._make_limit = asyncio.timeout

    async def run(self) -> Any:
        correlation = self._execution.correlation
        info = SimpleNamespace(
            workflow_id=correlation.workflow_id, workflow_type=correlation.operation_type.value
        )
        instead: dict[str, Any] = {
            "info": lambda: info,
            "now": lambda: self._now,
            "execute_activity_method": self._activity,
            "set_current_details": lambda _: None,
            "memo": dict,
            "upsert_search_attributes": lambda _: None,
        }
        inside = SimpleNamespace(execute_workflow=lambda given: self._execution.code().run(*given.args))
        bridge = FailureBridge().workflow_interceptor_class(cast("Any", None))
        given = cast("ExecuteWorkflowInput", SimpleNamespace(args=[self._execution.argument]))
        with mock.patch.multiple(workflow, **instead), mock.patch.object(asyncio, "timeout", self._timeout):
            return await bridge(cast("Any", inside)).execute_workflow(given)

    def _timeout(self, seconds: float) -> asyncio.Timeout:
        self._limit = self._make_limit(seconds)
        return self._limit

    async def _activity(self, method: Any, argument: Contract, **_: Any) -> Any:
        verdict: Verdict = self._ports.do(Schedule(method.__name__, argument))
        self._now = verdict.at
        task = asyncio.current_task()
        assert task is not None
        if verdict.cancelled:
            task.cancel()
            await _swallow()
        if verdict.deadline:
            assert self._limit is not None
            self._limit.reschedule(0)
            await _swallow()
        if verdict.code is None:
            return verdict.result
        error = ActivityError(
            "the activity failed",
            scheduled_event_id=1,
            started_event_id=2,
            identity="",
            activity_type=method.__name__,
            activity_id="1",
            retry_state=None,
        )
        if verdict.code == STOPPED:
            raise error from CancelledError("cancelled at a safe point")
        if verdict.code == TIMED_OUT:
            limit = TimeoutType.SCHEDULE_TO_CLOSE
            raise error from TemporalTimeoutError("too late", type=limit, last_heartbeat_details=[])
        raise error from ApplicationError(verdict.code, 1, type=verdict.code, non_retryable=True)


async def _swallow() -> None:
    """Take a cancellation as Temporal's activity handle does, which goes on to wait for its activity."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return
