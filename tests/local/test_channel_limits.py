"""How long a client may take: from a request's first byte, and from the last byte it took of an answer."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import pytest
import structlog
from flask import Flask
from structlog.contextvars import bind_contextvars, merge_contextvars
from structlog.testing import capture_logs
from waitress import wasyncore
from waitress.server import TcpWSGIServer

from runtime.process.buffering_worker import make_server, overdue
from runtime.process.channel import HEADERS_WITHIN, REQUEST_WITHIN, TAKES_WITHIN
from tests.local.slow_clients import HALF_SENT_BODY, HALF_SENT_HEADERS, LARGE, NOT_READ
from tests.system import wait_for

pytestmark = pytest.mark.feature
MARGIN = timedelta(seconds=5)


@pytest.fixture
def server() -> Iterator[TcpWSGIServer]:
    app = Flask("slow")
    app.add_url_rule("/large", view_func=lambda: b"x" * LARGE)
    app.add_url_rule("/bind", view_func=bind)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = make_server(app, sockets=[listener], threads=1, keep_alive=75)
        yield server
        for channel in list(server.active_channels.values()):
            channel.handle_close()
        server.task_dispatcher.shutdown()
        server.close()


@contextmanager
def client(server: TcpWSGIServer, *pieces: bytes) -> Iterator[None]:
    """Send pieces on one connection, each once the server has taken the one before."""
    with ExitStack() as stack:
        connection = stack.enter_context(socket.socket())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(server.socket.getsockname())
        for piece in pieces:
            connection.sendall(piece)
            for _ in range(3):
                turn(server)
        yield


def turn(server: TcpWSGIServer) -> None:
    wasyncore.loop(timeout=0.01, use_poll=True, map=server._map, count=1)


def answered(server: TcpWSGIServer, connection: socket.socket) -> bool:
    turn(server)
    try:
        return bool(connection.recv(1, socket.MSG_DONTWAIT))
    except BlockingIOError:
        return False


def bind() -> str:
    bind_contextvars(run_id="r-1")
    structlog.get_logger().info("bound")
    return "ok"


def is_overdue(server: TcpWSGIServer, after: timedelta) -> bool:
    return bool(overdue(server, time.time() + after.total_seconds()))


@pytest.mark.parametrize(
    ("pieces", "allowed"),
    [
        ((HALF_SENT_HEADERS,), HEADERS_WITHIN),
        ((HALF_SENT_HEADERS, b"x", b"x"), HEADERS_WITHIN),
        ((HALF_SENT_BODY,), REQUEST_WITHIN),
    ],
    ids=["headers", "one byte at a time", "body"],
)
def test_a_request_has_to_arrive_in_time(
    server: TcpWSGIServer, pieces: tuple[bytes, ...], allowed: timedelta
) -> None:
    with client(server, *pieces):
        assert not is_overdue(server, allowed - MARGIN)
        assert is_overdue(server, allowed + MARGIN)


def test_an_answer_has_to_be_taken_in_time(server: TcpWSGIServer) -> None:
    with client(server, NOT_READ):

        def is_sent() -> bool:
            turn(server)
            (channel,) = server.active_channels.values()
            return bool(channel.total_outbufs_len and not channel.requests)

        wait_for(is_sent, what="the thread to be free of the answer")
        assert not is_overdue(server, TAKES_WITHIN - MARGIN)
        assert is_overdue(server, TAKES_WITHIN + MARGIN)


def test_a_connection_between_two_requests_is_in_no_hurry(server: TcpWSGIServer) -> None:
    with client(server):
        turn(server)
        wait_for(lambda: server.active_channels, what="the connection to be accepted")
        assert not is_overdue(server, REQUEST_WITHIN + MARGIN)


def test_the_next_request_on_a_thread_logs_no_ids_of_the_one_before(server: TcpWSGIServer) -> None:
    def answer(request: bytes) -> None:
        with socket.create_connection(server.socket.getsockname()) as connection:
            connection.sendall(request)
            wait_for(lambda: answered(server, connection), what="an answer")

    with capture_logs(processors=[merge_contextvars]) as lines:
        answer(b"GET /bind HTTP/1.1\r\nHost: x\r\n\r\n")
        answer(b"GET / HTTP/1.1\r\nNo header\r\n\r\n")
    bound, refused = lines
    assert (bound["event"], bound["run_id"]) == ("bound", "r-1")
    assert (refused["event"], refused.get("run_id")) == ("request_refused", None)
