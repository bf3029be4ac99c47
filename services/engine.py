from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from models.base import Json
from models.reconciliation import Execution
from services.dispatch import WorkflowStarter


@dataclass(frozen=True, kw_only=True)
class WorkflowView:
    """What Temporal says of one workflow, by its id (`describe`, never the visibility list).

    `failing_attempts` counts how often its present workflow task was tried, 0 where none is pending;
    `failing_since` is when that task was first scheduled. `started_at` and `closed_at` are None where
    Temporal does not know the workflow, or it has not closed.
    """

    execution: Execution
    workflow_type: str | None = None
    started_at: datetime | None = None
    closed_at: datetime | None = None
    failing_attempts: int = 0
    failing_since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class FirstEvent:
    """How a workflow was started: its type, task queue and input, as its first event has them."""

    workflow_type: str
    task_queue: str
    started_at: datetime
    operation_input: Json | None


@dataclass(frozen=True, kw_only=True)
class QueueView:
    """What Temporal knows of a task queue.

    `last_polled_at` is the newest poll of any worker in the last minutes, None where Temporal remembers
    none. `backlog` counts the tasks that wait, `oldest_waits` how long the oldest has, in seconds.
    """

    pollers: int
    last_polled_at: datetime | None
    backlog: int
    oldest_waits: float


class EngineUnreachable(Exception):
    """Temporal did not answer; nothing may be concluded from that."""


class Engine(WorkflowStarter, Protocol):
    """The port through which services and reconcilers know Temporal.

    Every method raises EngineUnreachable where Temporal does not answer.
    """

    def describe(self, workflow_id: str) -> WorkflowView:
        """Look one workflow up; one that is not known is a view with the state `not_found`."""

    def first_event(self, workflow_id: str) -> FirstEvent | None:
        """Read how a workflow was started; None where Temporal does not know it."""

    def cancel(self, workflow_id: str) -> bool:
        """Ask a workflow to cancel; False where it is not known or closed already."""

    def terminate(self, workflow_id: str, reason: str) -> None:
        """End a workflow without its help; does nothing where it is not known or closed already."""

    def closed_abnormally(self, since: datetime, *, limit: int) -> Sequence[str]:
        """List ids of our workflows that closed otherwise than completed, newest first: candidates only."""

    def open_workflows(self, since: datetime, *, limit: int) -> Sequence[str]:
        """List ids of our open workflows that were started since then, newest first: candidates only."""

    def compact_history(self, workflow_id: str) -> dict[str, Any] | None:
        """Tell a closed workflow's story in a few kB (section 8); None where Temporal does not know it."""

    def queue(self, task_queue: str) -> QueueView:
        """Look at a task queue's workers and backlog."""
