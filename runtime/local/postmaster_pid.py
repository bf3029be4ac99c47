import contextlib
import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from models.errors import OperationRunError

GONE_WITHIN = timedelta(seconds=30)
CHECK_EVERY = timedelta(milliseconds=100)


def clear_postmaster_file(cluster: Path, *, say: Callable[[str], None]) -> None:
    """Stop a server left on a data directory, and remove a `postmaster.pid` that names another program.

    1. No file, or its process is gone: PostgreSQL handles that itself.
    2. The process is a server on this directory, left by an `up` that was killed: stop it and wait.
    3. The process is another program with the old pid: remove the file, else PostgreSQL refuses to start.

    Raises OperationRunError if a server on this directory does not stop.
    """
    pid = _named_pid(cluster)
    if pid is None or not _is_alive(pid):
        return
    if not _serves(pid, cluster):
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        return
    say(f"A PostgreSQL server (pid {pid}) is left on {cluster}; stopping it first.")
    _stop(pid, cluster)


def _stop(pid: int, cluster: Path) -> None:
    deadline = time.monotonic() + GONE_WITHIN.total_seconds()
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
    while _is_alive(pid) and _serves(pid, cluster):
        if time.monotonic() > deadline:
            raise OperationRunError(
                f"A PostgreSQL server (pid {pid}) still uses {cluster} and does not stop. "
                f"Stop it: kill -QUIT {pid}"
            )
        time.sleep(CHECK_EVERY.total_seconds())


def _named_pid(cluster: Path) -> int | None:
    try:
        return int((cluster / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _serves(pid: int, cluster: Path) -> bool:
    """Return whether a process runs in the data directory, as PostgreSQL does; True without /proc."""
    if not Path("/proc/self").exists():
        return True
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == cluster.resolve()
    except OSError:
        return False
