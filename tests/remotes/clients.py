"""Git's side of a push, as a crash or a terminal ends it."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress

import psutil

Kill = Callable[[int], None]


def pushing(url: str, *, of: int) -> list[int]:
    """Return the git processes that a worker has started to push to a URL."""
    try:
        return [child.pid for child in psutil.Process(of).children() if _pushes(child, url)]
    except psutil.NoSuchProcess:
        return []


def kill_alone(pid: int) -> None:
    """Kill git and leave its children, as the kernel does where the worker dies."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def kill_with_group(pid: int) -> None:
    """Kill git with its children, as a worker does that no longer waits."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _pushes(process: psutil.Process, url: str) -> bool:
    try:
        command = process.cmdline()
    except psutil.Error:
        return False
    return bool(command) and command[0].endswith("git") and "push" in command and url in command
