"""Clients that take their time hold a connection each, and neither a thread nor anyone else's answer."""

import socket
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.local.slow_clients import (
    HALF_SENT_BODY,
    HALF_SENT_CHUNK,
    HALF_SENT_HEADERS,
    MANY,
    NOT_READ,
    Server,
    held,
    serve,
)
from tests.system import wait_for

pytestmark = pytest.mark.feature

# Of two medians on a busy machine; a server whose threads are held does not answer at all.
AT_MOST = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("web")) as server:
        yield server


@pytest.mark.parametrize(
    "request_", [HALF_SENT_HEADERS, HALF_SENT_BODY, HALF_SENT_CHUNK], ids=["headers", "body", "chunk"]
)
def test_half_sent_requests_hold_nobody_up(server: Server, request_: bytes) -> None:
    quiet = server.latency()
    with held(server, request_, until=lambda _: server.connections() >= MANY):
        assert server.latency() < AT_MOST * quiet


def test_answers_that_are_not_taken_hold_nobody_up(server: Server) -> None:
    quiet = server.latency()
    with held(server, NOT_READ, until=have_begun):
        assert server.latency() < AT_MOST * quiet


def test_a_server_that_stops_answers_what_is_there_and_waits_for_no_half_request(tmp_path: Path) -> None:
    with serve(tmp_path) as server:
        under_way = HTTPConnection("127.0.0.1", server.port, timeout=30)
        under_way.request("GET", "/gate")
        with held(server, HALF_SENT_HEADERS, until=lambda _: server.connections() > MANY):
            server.process.terminate()
            wait_for(lambda: not server.answers(), what="the server to take no connection any more")
            server.gate.write_text("done")
            answer = under_way.getresponse()
        assert (answer.status, answer.read(), answer.headers["Connection"]) == (200, b"done", "close")
        under_way.close()


def have_begun(clients: Sequence[socket.socket]) -> bool:
    try:
        return all(client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) for client in clients)
    except BlockingIOError:
        return False
