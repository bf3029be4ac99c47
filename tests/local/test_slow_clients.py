"""Clients that take their time hold a connection each, and neither a thread nor anyone else's answer."""

import socket
from collections.abc import Iterator, Sequence

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

pytestmark = pytest.mark.feature

# Of two medians on a busy machine; a server whose threads are held does not answer at all.
AT_MOST = 20


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve() as server:
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


def have_begun(clients: Sequence[socket.socket]) -> bool:
    try:
        return all(client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) for client in clients)
    except BlockingIOError:
        return False
