import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final
from uuid import UUID

import structlog

WAITING_PER_WORKSPACE: Final = 32

Work = Callable[[], object]

_log = structlog.get_logger()


class RenderQueue:
    """Does one piece of rendering at a time in a thread of its own; the workspaces take turns (law L13)."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        # The workspace whose turn it is comes first; each has its work by key, in the order of requests.
        self._waiting: OrderedDict[UUID, OrderedDict[Hashable, Work]] = OrderedDict()
        self._present: Hashable | None = None
        self._thread: threading.Thread | None = None

    def submit(self, workspace_id: UUID, key: Hashable, work: Work) -> None:
        """Queue work unless its key waits or is being worked on; a full workspace's is dropped.

        Whoever needs the result asks again (Retry-After), and that queues it again.
        """
        with self._changed:
            waiting = self._waiting.setdefault(workspace_id, OrderedDict())
            if key == self._present or len(waiting) >= WAITING_PER_WORKSPACE:
                return
            waiting.setdefault(key, work)
            if self._thread is None:
                # A daemon: a process that stops waits for no rendering, and its claim ends by itself.
                self._thread = threading.Thread(target=self._run, name="render-queue", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            work = self._next()
            try:
                work()
            except Exception:  # noqa: BLE001 # the thread serves every later request
                _log.exception("rendering_failed")

    def _next(self) -> Work:
        with self._changed:
            self._present = None
            self._changed.wait_for(lambda: any(self._waiting.values()))
            while True:
                workspace_id, waiting = self._waiting.popitem(last=False)
                if waiting:
                    break
            self._present, work = waiting.popitem(last=False)
            if waiting:
                self._waiting[workspace_id] = waiting
            return work
