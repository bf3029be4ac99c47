from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Any, Final, Generic, TypeVar

from models.base import Clock, Json, utc_now
from services.engine.port import Engine, EngineUnreachable, QueueView, WorkflowView

T = TypeVar("T")

# What a page waits for the engine at most, and how long one answer serves every reader of a process.
PATIENCE: Final = timedelta(seconds=1)
KEPT_FOR: Final = timedelta(seconds=10)
THREADS: Final = 4


@dataclass(frozen=True, kw_only=True)
class Snapshot(Generic[T]):
    """What a look found, and when it was begun; `found` None: the engine gave no answer in time."""

    at: datetime
    found: T | None


@dataclass(frozen=True, kw_only=True)
class _Look:
    at: datetime
    answer: Future[Any]


class EngineCache:
    """Looks at the engine for pages: at most once in ten seconds for each thing, and never for long.

    None is the answer where the engine gave none in time; nothing may be concluded from it.
    """

    def __init__(self, engine: Engine, *, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = Lock()
        self._looks: dict[str, _Look] = {}
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="engine-look")

    def queue(self, task_queue: str) -> QueueView | None:
        """Look at a task queue."""
        return self._look(f"queue {task_queue}", lambda: self._engine.queue(task_queue)).found

    def workflow(self, workflow_id: str, *, ended: bool) -> Snapshot[WorkflowView]:
        """Look at one workflow, and say when that was; one from before its run ended serves no more."""
        return self._look(
            _key("workflow", workflow_id, ended=ended), lambda: self._engine.describe(workflow_id)
        )

    def workflow_and_story(
        self, workflow_id: str, *, ended: bool
    ) -> tuple[Snapshot[WorkflowView], Snapshot[Json]]:
        """Look at one workflow and read its story so far, both at once; either may have no answer.

        The story of a workflow that is not known is empty.
        """
        until = monotonic() + PATIENCE.total_seconds()
        story = self._begun(
            _key("story", workflow_id, ended=ended), lambda: self._engine.compact_history(workflow_id) or {}
        )
        return self.workflow(workflow_id, ended=ended), _seen(story, until - monotonic())

    def _look(self, key: str, ask: Callable[[], T]) -> Snapshot[T]:
        return _seen(self._begun(key, ask), PATIENCE.total_seconds())

    def _begun(self, key: str, ask: Callable[[], Any]) -> _Look:
        with self._lock:
            return self._fresh(key) or self._begin(key, ask)

    def _fresh(self, key: str) -> _Look | None:
        """Return the look that still serves; forget all that do not, so that they never grow many."""
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
    """Return what a look found; wait for it for so many seconds at most."""
    try:
        return Snapshot(at=look.at, found=look.answer.result(max(patience, 0)))
    except (EngineUnreachable, TimeoutError):
        return Snapshot(at=look.at, found=None)
