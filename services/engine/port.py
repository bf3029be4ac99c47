from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from models.base import Json
from models.contracts.operation_input import OperationInput
from models.reconciliation import Execution, ExecutionState


@dataclass(frozen=True, kw_only=True)
class WorkflowStart:
    """All that Temporal gets when a run is dispatched."""

    workflow_id: str
    workflow_type: str
    task_queue: str
    operation_input: OperationInput
    execution_timeout: timedelta
    summary: str
    details: str
    search_attributes: Mapping[str, str] = field(default_factory=dict)


class WorkflowStarter(Protocol):
    """The small port through which services know Temporal."""

    def start(self, start: WorkflowStart) -> None:
        """Start a workflow, or find it started already.

        Raises DispatchFailed where the answer is no for good, StartUnconfirmed where none came in time or
        the id is that of a workflow that was started with the input of other work (law L6).
        """


@dataclass(frozen=True, kw_only=True)
class WorkflowView:
    """What Temporal says of one workflow, by its id (`describe`, never the visibility list).

    `failing_attempts` is the attempt that its pending workflow task is at: 0 where none is pending, 1 also
    where one waits for its first try (as without a worker), 2 and more where one failed before;
    `failing_since` is when it failed first, or was scheduled where it did not. Both say nothing of a closed
    workflow.
    `started_at` and `closed_at` are None where Temporal does not know the workflow, or it has not closed.
    `workflow_run_id` is Temporal's own id of the execution; None where Temporal does not know it.
    `step` is the activity that it is at, and `step_attempts` how often that was begun; None and 0: at none.
    """

    execution: Execution
    workflow_type: str | None = None
    workflow_run_id: str | None = None
    started_at: datetime | None = None
    closed_at: datetime | None = None
    failing_attempts: int = 0
    failing_since: datetime | None = None
    step: str | None = None
    step_attempts: int = 0


NOT_FOUND: Final = WorkflowView(execution=Execution(state=ExecutionState.NOT_FOUND))


@dataclass(frozen=True, kw_only=True)
class FirstEvent:
    """How a workflow was started: its type, task queue and input, as its first event has them.

    `operation_input` is None unless the workflow was given one argument, and that is an object in plain JSON.
    `workflow_run_id` is Temporal's own id of the execution that it began; one that was reset keeps it.
    """

    workflow_type: str
    workflow_run_id: str
    task_queue: str
    started_at: datetime
    operation_input: Json | None


@dataclass(frozen=True, kw_only=True)
class TaskLine:
    """The tasks of one kind that wait in a task queue.

    `last_polled_at` is when the newest poll for them began (one may wait for a minute), or was given a task;
    None where Temporal remembers none of the last minutes. `backlog` counts the tasks that wait,
    `oldest_waits` how long the oldest has, in seconds: approximately, and as it was up to five seconds ago.
    """

    last_polled_at: datetime | None
    backlog: int = 0
    oldest_waits: float = 0.0


@dataclass(frozen=True, kw_only=True)
class QueueView:
    """What Temporal knows of a task queue; `pollers` counts the workers, by identity, of recent polls."""

    pollers: int
    workflow_tasks: TaskLine
    activities: TaskLine

    @property
    def last_polled_at(self) -> datetime | None:
        """When the newest poll for tasks of either kind began; None where Temporal remembers none."""
        polls = (line.last_polled_at for line in self._lines)
        return max((poll for poll in polls if poll is not None), default=None)

    @property
    def backlog(self) -> int:
        """How many tasks of both kinds wait, approximately."""
        return sum(line.backlog for line in self._lines)

    @property
    def oldest_waits(self) -> float:
        """How long the oldest task of either kind has waited, in seconds."""
        return max(line.oldest_waits for line in self._lines)

    @property
    def _lines(self) -> tuple[TaskLine, TaskLine]:
        return self.workflow_tasks, self.activities


class EngineUnreachable(Exception):
    """Temporal gave no usable answer, or does not know our namespace; nothing may be concluded from that."""


class Engine(WorkflowStarter, Protocol):
    """The port through which services and reconcilers know Temporal.

    Every method but `start` raises EngineUnreachable where Temporal does not answer, within 5 seconds
    (`compact_history` within 15). A workflow that was reset, or that continued, is judged by its newest run,
    unless `workflow_run_id` names one.
    """

    def describe(self, workflow_id: str, *, workflow_run_id: str | None = None) -> WorkflowView:
        """Return one workflow by its id; one that is not known is a view with the state `not_found`.

        The cause of one that failed is always `activity_failed`; one that completed has none.
        """

    def first_event(self, workflow_id: str, *, workflow_run_id: str | None = None) -> FirstEvent | None:
        """Return how a workflow was started; None where Temporal does not know it."""

    def cancel(self, workflow_id: str) -> bool:
        """Request a workflow's cancellation; False where it is not known or closed already.

        A second request changes nothing, and is True as long as the workflow is open.
        """

    def terminate(self, workflow_id: str, reason: str) -> None:
        """Terminate a workflow; do nothing where it is not known or closed already."""

    def closed_abnormally(self, since: datetime, *, limit: int) -> Sequence[str]:
        """Return ids of our workflows that closed otherwise than completed, newest first: candidates only.

        Each id once, at most `limit`; fewer than `limit` are all that Temporal's lagging list has.
        """

    def open_workflows(self, since: datetime, *, limit: int) -> Sequence[str]:
        """Return ids of our open workflows that were started since then, newest first: candidates only.

        Bounded like `closed_abnormally`.
        """

    def compact_history(
        self, workflow_id: str, *, workflow_run_id: str | None = None
    ) -> dict[str, Any] | None:
        """Return a workflow's history in a few kB; None where Temporal does not know it.

        `{workflow_id, run_id, status, started_at, closed_at, cause, steps, steps_left_out, events}`: `status`
        is open, completed, failed, cancelled, terminated or timed_out; `cause` as in `describe`; `events`
        counts the history. A step is `{step, summary, scheduled_at, started_at, ended_at, attempts, result,
        failure}`: `started_at` is its last attempt's; `result` is completed, failed, timed_out, cancelled, or
        None where the workflow ended first; `attempts` is None where the history does not tell; `failure` is
        what its last failed attempt said, redacted and short, also where a later attempt completed. Where
        the steps are too many, those in the middle are left out and counted. Moments are RFC 3339.

        Of an open workflow the first 500 events are read. A step of it that goes on has no `result`, the
        attempt that it is at, and a `started_at` unless it waits: for a worker, or to be tried again.
        """

    def retention(self) -> timedelta:
        """Return how long Temporal keeps a workflow that has closed."""

    def queue(self, task_queue: str) -> QueueView:
        """Return a task queue's workers and backlog."""
