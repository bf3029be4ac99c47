"""Clients that hold their connections: half a request sent, or an answer not taken."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import psutil

from tests.system import wait_for

MANY: Final = 40
LARGE: Final = 4 * 1024 * 1024

HALF_SENT_HEADERS: Final = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-More: "
HALF_SENT_BODY: Final = b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf of it"
HALF_SENT_CHUNK: Final = (
    b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n400\r\nhalf\r\n\r\n"
)
NOT_READ: Final = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"

# The web server of production, with an application that needs no database.
_PROGRAM: Final = f"""
import sys
from flask import Flask
from runtime.telemetry.logging import configure_logging
from runtime.telemetry.multiprocess_metrics import shared_metrics
from runtime.web_server import WebServer, WebServerOptions

def make():
    app = Flask("slow")
    app.add_url_rule("/healthz", view_func=lambda: "ok", methods=["GET", "POST"], endpoint="healthz")
    app.add_url_rule("/gate", view_func=lambda: open(sys.argv[2]).read(), endpoint="gate")
    app.add_url_rule("/large", view_func=lambda: b"x" * {LARGE}, endpoint="large")
    return app

configure_logging()
with shared_metrics():
    WebServer(make, WebServerOptions(host="127.0.0.1", port=int(sys.argv[1]))).run()
"""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A web server of this test alone, and the process that it began as."""

    port: int
    process: psutil.Process
    gate: Path

    def latency(self, requests: int = 40) -> float:
        """Return the median time of a request for `/healthz`, each on a connection of its own, in seconds."""
        return median(self._time() for _ in range(requests))

    def answers(self) -> bool:
        """Return whether `/healthz` answers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()

    def connections(self) -> int:
        """Return how many connections the processes of the server hold."""
        family = self.process.children()
        found = [each for process in family for each in process.net_connections("tcp")]
        return sum(each.status == psutil.CONN_ESTABLISHED for each in found)

    def _time(self) -> float:
        began = perf_counter()
        assert self.answers()
        return perf_counter() - began


@contextmanager
def serve(folder: Path) -> Iterator[Server]:
    """Run the web server and stop it at the end; it ends in time, with exit code 0.

    `/gate` answers with what is written into the pipe `gate`, once that is closed.
    """
    gate = folder / "gate"
    os.mkfifo(gate)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(port), str(gate)], env={**os.environ, "PYTHONPATH": "."}
    )
    server = Server(port=port, process=psutil.Process(process.pid), gate=gate)
    try:
        wait_for(server.answers, what="the web server to answer")
        yield server
    finally:
        process.terminate()
        code = process.wait(timeout=60)
    assert code == 0


@contextmanager
def held(
    server: Server, request: bytes, *, until: Callable[[Sequence[socket.socket]], bool]
) -> Iterator[None]:
    """Hold many connections on which `request` was sent, once `until` says that the server has them."""
    with ExitStack() as stack:
        clients = [stack.enter_context(_client(server.port)) for _ in range(MANY)]
        for client in clients:
            client.sendall(request)
        wait_for(lambda: until(clients), what="the server to have every client")
        yield


def _client(port: int) -> socket.socket:
    client = socket.socket()
    # As little as it may be, so that an answer that is not taken stays with the server.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    return client
