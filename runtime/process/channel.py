"""One connection of the web server: what a client may take its time with, and for how long."""

import time
from contextvars import Context
from datetime import timedelta
from typing import Final

from waitress.channel import HTTPChannel
from waitress.task import WSGITask

from runtime.process.refusals import RefusalTask

HEADERS_WITHIN: Final = timedelta(seconds=20)
REQUEST_WITHIN: Final = timedelta(seconds=60)
# A client that takes nothing of its answer for so long is gone.
TAKES_WITHIN: Final = timedelta(seconds=30)


class _Task(WSGITask):  # type: ignore[misc] # waitress has no types
    def build_response_header(self) -> bytes:
        if not self.channel.server.accepting:
            # The process is about to end, and its connections with it.
            self.set_close_on_finish()
        header: bytes = super().build_response_header()
        return header


class Channel(HTTPChannel):  # type: ignore[misc] # waitress has no types
    """Receives whole requests, lends a thread to each, and sends its answer as the client takes it."""

    task_class = _Task
    error_task_class = RefusalTask

    _began_at: float | None = None

    def received(self, data: bytes) -> bool:
        """Take a piece of a request; the clock of a request starts at its first piece."""
        if self._began_at is None:
            self._began_at = time.time()
        taken: bool = super().received(data)
        if self.request is None:
            self._began_at = None
        return taken

    def service(self) -> None:
        """Answer one request, in a context of its own: nothing that it binds outlives it on the thread."""
        Context().run(super().service)

    def close_if_idle(self) -> None:
        """Close, unless a whole request waits for its answer, or an answer for its client."""
        if not self.requests and not self.total_outbufs_len:
            self.close_when_flushed = True

    def is_overdue(self, now: float) -> bool:
        """Return whether the client has had its time, by `time.time()`.

        The time for a request counts from its first byte, so that sending one byte at a time gains nothing.
        """
        if self.total_outbufs_len and now - self.last_activity > TAKES_WITHIN.total_seconds():
            return True
        if self._began_at is None or self.request is None:
            return False
        allowed = REQUEST_WITHIN if self.request.headers_finished else HEADERS_WITHIN
        return now - self._began_at > allowed.total_seconds()
