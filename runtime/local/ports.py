import http.client
import socket
import time
from datetime import timedelta
from itertools import islice
from random import SystemRandom
from typing import Final

from models.errors import SettingsError

HOST = "127.0.0.1"
ANSWER_WITHIN = timedelta(seconds=2)
FREED_WITHIN = timedelta(seconds=2)
# Below what operating systems give to outgoing connections: one of those could take a port in the seconds
# between the choice and a server's start.
CHOICE: Final = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Return `count` different ports of this machine without a listener, chosen by chance out of CHOICE."""
    return list(islice(filter(is_free, SystemRandom().sample(CHOICE, len(CHOICE))), count))


def is_free(port: int) -> bool:
    """Return whether a server of ours can listen on this port now."""
    with socket.socket() as probe:
        # As servers do: connections in TIME_WAIT do not make a port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def need_free(port: int) -> None:
    """Wait a moment for a port that a stopping server may hold; raise SettingsError if it stays taken."""
    deadline = time.monotonic() + FREED_WITHIN.total_seconds()
    while not is_free(port):
        if time.monotonic() > deadline:
            raise SettingsError(
                f"Port {port} is taken by another program. Stop that one, or pass another --port."
            )
        time.sleep(0.1)


def http_answers(port: int, path: str) -> bool:
    """Return whether GET of a path on a local port answers 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_WITHIN.total_seconds())
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
