"""Git's side of a push, as a crash or a terminal ends it."""

import os
import signal
from collections.abc import Callable

import psutil

from tests.repositories.waiting import wait_until

Kill = Callable[[int], None]


def pushing(url: str) -> list[int]:
    """Return the git processes of this program's own that push to a URL."""
    return [child.pid for child in psutil.Process().children(recursive=True) if _pushes(child, url)]


def wait_for_push(url: str) -> int:
    """Return the process of the one push to a URL, once it is there."""
    found: list[int] = []

    def is_there() -> bool:
        found[:] = pushing(url)
        return bool(found)

    wait_until(is_there)
    (pid,) = found
    return pid


def kill_alone(pid: int) -> None:
    """Kill git and leave its children, as the kernel does where the worker dies."""
    os.kill(pid, signal.SIGKILL)


def kill_with_group(pid: int) -> None:
    """Kill git with its children, as a worker does that no longer waits."""
    os.killpg(pid, signal.SIGKILL)


def _pushes(process: psutil.Process, url: str) -> bool:
    try:
        command = process.cmdline()
    except psutil.Error:
        return False
    return bool(command) and command[0].endswith("git") and "push" in command and url in command
