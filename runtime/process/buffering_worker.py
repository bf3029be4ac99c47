"""A process of the web server: gunicorn starts, stops and replaces it, waitress speaks HTTP in it."""

import logging
import os
import resource
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from flask import Flask
from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.server import TcpWSGIServer, create_server

from runtime.process.channel import Channel
from web.context import EXTENSION
from web.problems import MAX_BODY

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

CONNECTIONS: Final = 1000
LARGEST_HEADERS: Final = 16 * 1024
# The application itself refuses what is over its limit, with a page for a person; more is not received.
LARGEST_BODY: Final = 2 * MAX_BODY

# A connection has its socket, and files for a request and an answer that are too large for memory.
_FILES_PER_CONNECTION: Final = 3
_OTHER_FILES: Final = 200
_IN_MEMORY: Final = 64 * 1024
_TURN: Final = timedelta(seconds=1)
# For a request that a client is sending already on a connection that was kept open.
_LINGER: Final = timedelta(seconds=1)


class BufferingWorker(Worker):  # type: ignore[misc] # gunicorn has no types
    """Lends a thread to whole requests only, and takes it back before the client has the answer.

    One loop receives and sends for all connections, so a client that sends half a request, or does not take
    its answer, holds a connection and no thread.
    """

    _server: TcpWSGIServer | None = None

    def run(self) -> None:
        """Serve until gunicorn says to stop or is gone; then answer the requests that are there."""
        server = self._server = make_server(
            self.wsgi,
            sockets=self.sockets,
            threads=self.cfg.threads,
            keep_alive=self.cfg.keepalive,
        )
        while self.alive and self.ppid == os.getppid():
            self._turn(server)
        self._finish(server)

    def handle_exit(self, sig: int, frame: object) -> None:
        """Stop accepting requests, and answer those that wait for a run."""
        app = getattr(self, "wsgi", None)
        # None before the application is made, and no Flask where making it failed.
        services = app.extensions.get(EXTENSION) if isinstance(app, Flask) else None
        if services is not None:
            services.stopping.set()
        super().handle_exit(sig, frame)
        if self._server is not None:
            self._server.pull_trigger()

    def _turn(self, server: TcpWSGIServer) -> None:
        self.notify()
        wasyncore.loop(timeout=_TURN.total_seconds(), use_poll=True, map=server._map, count=1)  # noqa: SLF001 # it has no other name
        for channel in overdue(server, time.time()):
            channel.will_close = True

    def _finish(self, server: TcpWSGIServer) -> None:
        """Take no connection any more; end the open ones as their answers are sent."""
        server.accepting = False
        server.del_channel()
        for listener in self.sockets:
            listener.close()
        now = time.monotonic()
        linger_until, stop_at = now + _LINGER.total_seconds(), now + self.cfg.graceful_timeout
        while (channels := list(server.active_channels.values())) and time.monotonic() < stop_at:
            if time.monotonic() > linger_until:
                for channel in channels:
                    channel.close_if_idle()
            self._turn(server)


def make_server(
    app: "WSGIApplication", *, sockets: Sequence[object], threads: int, keep_alive: int
) -> TcpWSGIServer:
    """Make waitress's server on sockets that listen already; `keep_alive` is in seconds."""
    # It warns of every request that waits for a thread.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = create_server(
        app,
        sockets=[getattr(each, "sock", each) for each in sockets],
        threads=threads,
        connection_limit=_connection_limit(),
        channel_timeout=keep_alive,
        cleanup_interval=5,
        max_request_header_size=LARGEST_HEADERS,
        max_request_body_size=LARGEST_BODY,
        inbuf_overflow=_IN_MEMORY,
        # `OPERATIONRUN_TRUSTED_PROXIES` decides what counts (runtime/container.py).
        clear_untrusted_proxy_headers=False,
        log_socket_errors=False,
        ident=None,
    )
    server.channel_class = Channel
    return server


def overdue(server: TcpWSGIServer, now: float) -> Sequence[Channel]:
    """Return the connections whose clients have had their time."""
    return [channel for channel in server.active_channels.values() if channel.is_overdue(now)]


def _connection_limit() -> int:
    """Return how many connections this process may hold; raise its limit of open files as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OTHER_FILES + CONNECTIONS * _FILES_PER_CONNECTION
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS
    return max(1, min(CONNECTIONS, (soft - _OTHER_FILES) // _FILES_PER_CONNECTION))
