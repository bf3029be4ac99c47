from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Any, Final, Generic, TypeVar

from models.base import Clock, Json, utc_now
from models.reconciliation import ExecutionState
from services.engine.port import Engine, EngineUnreachable, QueueView, WorkflowView

T = TypeVar("T")

# What a page waits for the engine at most, and how long one answer serves every reader of a process.
PATIENCE: Final = timedelta(seconds=1)
KEPT_FOR: Final = timedelta(seconds=10)
THREADS: Final = 4


@dataclass(frozen=True, kw_only=True)
class Snapshot(Generic[T]):
    """What a read found, and when it began; `found` None: the engine gave no answer in time."""

    at: datetime
    found: T | None


@dataclass(frozen=True, kw_only=True)
class _Look:
    at: datetime
    answer: Future[Any]


class EngineCache:
    """Reads the engine for pages: each thing at most once in ten seconds, and never for long.

    None: the engine gave no answer in time, from which nothing may be concluded.
    """

    def __init__(self, engine: Engine, *, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = Lock()
        self._looks: dict[str, _Look] = {}
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="engine-look")

    def queue(self, task_queue: str) -> QueueView | None:
        """Return a task queue's workers and backlog."""
        return self._look(f"queue {task_queue}", lambda: self._engine.queue(task_queue)).found

    def workflow(
        self, workflow_id: str, *, ended: bool, find: Callable[[Engine], WorkflowView] | None = None
    ) -> Snapshot[WorkflowView]:
        """Return one workflow; a snapshot from before its run ended is not used after it (`ended`).

        `find` asks for it; None: the newest of its id.
        """
        ask = find or (lambda engine: engine.describe(workflow_id))
        return self._look(_key("workflow", workflow_id, ended=ended), lambda: ask(self._engine))

    def workflow_and_story(
        self,
        workflow_id: str,
        *,
        ended: bool,
        find: Callable[[Engine], WorkflowView] | None = None,
        workflow_run_id: str | None = None,
    ) -> tuple[Snapshot[WorkflowView], Snapshot[Json]]:
        """Return one workflow and its history so far, both read at once; either may have no answer.

        The history is that of the execution `workflow_run_id`; None: of the one that `find` finds. That of a
        workflow that is not known is empty.
        """
        until = monotonic() + PATIENCE.total_seconds()
        story = self._begun(
            _key("story", workflow_id, ended=ended), lambda: self._story(workflow_id, find, workflow_run_id)
        )
        return self.workflow(workflow_id, ended=ended, find=find), _seen(story, until - monotonic())

    def _story(
        self, workflow_id: str, find: Callable[[Engine], WorkflowView] | None, workflow_run_id: str | None
    ) -> Json:
        if workflow_run_id is None and find is not None:
            view = find(self._engine)
            if view.execution.state is ExecutionState.NOT_FOUND:
                return {}
            workflow_run_id = view.workflow_run_id
        return self._engine.compact_history(workflow_id, workflow_run_id=workflow_run_id) or {}

    def _look(self, key: str, ask: Callable[[], T]) -> Snapshot[T]:
        return _seen(self._begun(key, ask), PATIENCE.total_seconds())

    def _begun(self, key: str, ask: Callable[[], Any]) -> _Look:
        with self._lock:
            return self._fresh(key) or self._begin(key, ask)

    def _fresh(self, key: str) -> _Look | None:
        """Return the look that is still fresh; forget those that are not, so that they never grow many."""
        earliest = self._clock() - KEPT_FOR
        self._looks = {known: look for known, look in self._looks.items() if look.at > earliest}
        return self._looks.get(key)

    def _begin(self, key: str, ask: Callable[[], Any]) -> _Look:
        look = _Look(at=self._clock(), answer=self._pool.submit(ask))
        self._looks[key] = look
        return look


def _key(what: str, workflow_id: str, *, ended: bool) -> str:
    return f"{what} {workflow_id}{' that has ended' if ended else ''}"


def _seen(look: _Look, patience: float) -> Snapshot[Any]:
    """Return what a look found; wait at most `patience` seconds for it."""
    try:
        return Snapshot(at=look.at, found=look.answer.result(max(patience, 0)))
    except (EngineUnreachable, TimeoutError):
        return Snapshot(at=look.at, found=None)
