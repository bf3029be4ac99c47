import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK = 1 << 16


class LossyProxy:
    """Stands between a client and Temporal, and loses what it is told to lose, without closing anything."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self.loses_requests = False
        self.loses_answers = False
        self._closed = threading.Event()

    @contextmanager
    def running(self) -> Iterator["LossyProxy"]:
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._closed.set()
            thread.join(timeout=10)
            self._server.close()

    def _serve(self) -> None:
        """Carry bytes between all pairs of sockets until the proxy is closed."""
        pairs: dict[socket.socket, socket.socket] = {}
        clients = set[socket.socket]()
        while not self._closed.is_set():
            readable, _, _ = select.select([self._server, *pairs], [], [], 0.1)
            for ready in readable:
                if ready is self._server:
                    client, upstream = self._server.accept()[0], socket.create_connection(self._target)
                    pairs |= {client: upstream, upstream: client}
                    clients.add(client)
                elif ready in pairs and not self._carry(ready, pairs[ready], is_request=ready in clients):
                    for end in (ready, pairs.pop(ready)):
                        pairs.pop(end, None)
                        end.close()
        for end in pairs:
            end.close()

    def _carry(self, source: socket.socket, sink: socket.socket, *, is_request: bool) -> bool:
        """Pass on what came, or lose it; False where the connection is over."""
        try:
            data = source.recv(CHUNK)
            if not (self.loses_requests if is_request else self.loses_answers):
                sink.sendall(data)
        except OSError:
            return False
        return bool(data)
