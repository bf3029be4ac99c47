import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

HOST: Final = "127.0.0.1"
# A name that no resolver knows: who reaches it was given its address.
NAMED: Final = "repositories.test"


class ConnectionServer(socketserver.ThreadingTCPServer):
    """A server on this machine whose connections can be lost, as a network loses them."""

    daemon_threads = True

    def __init__(self, handler: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__((HOST, 0), handler)
        self._open: set[socket.socket] = set()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def cut(self) -> None:
        """Lose every connection; what serves them is not told, and goes on."""
        for connection in list(self._open):
            with suppress(OSError):
                # Past TLS, which would say goodbye.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            thread.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that was killed is no error here."""
