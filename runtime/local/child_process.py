import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

KILL_WITHIN = timedelta(seconds=5)
POLL_EVERY = timedelta(milliseconds=50)
KEPT_LOG_BYTES = 10_000_000
NOTHING = re.compile(r"(?!)")


@dataclass(frozen=True, kw_only=True)
class Account:
    """The system user that a program runs as, where that is not the user of this process."""

    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run as a child, and how to stop it.

    The child gets `orphan_signal` when this process dies without stopping it. `ready_line` is the line of its
    output that says it is ready; `shown` selects the lines of its log that an operator should see.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within: timedelta = timedelta(seconds=10)
    orphan_signal: signal.Signals = signal.SIGKILL
    ready_line: str | None = None
    shown: re.Pattern[str] = NOTHING


class Child:
    """One run of a program, in its own process group, with its output in a log file."""

    def __init__(self, program: Program, logs: Path) -> None:
        self.program = program
        self.log = logs / f"{program.name}.log"
        self.is_ready = False
        self._begin = _keep_small(self.log)
        self._read_to, self._unfinished = self._begin, ""
        account = program.account
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                bound_to_parent(program),
                env=program.environment,
                cwd="/" if account else None,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid
        self.started_at = time.monotonic()

    def exit_code(self) -> int | None:
        """Return the exit code (negative: the signal that ended it); None while the process runs."""
        code = self._process.poll()
        if code is not None:
            # Its children, such as gunicorn's workers, must not outlive it.
            self._signal_group(signal.SIGKILL)
        return code

    def new_lines(self) -> list[str]:
        """Return the complete lines since the last call that an operator should see."""
        with self.log.open("rb") as log:
            log.seek(self._read_to)
            text = log.read()
        self._read_to += len(text)
        *lines, self._unfinished = (self._unfinished + text.decode(errors="replace")).split("\n")
        self.is_ready = self.is_ready or self.program.ready_line in lines
        return [line for line in lines if self.program.shown.search(line)]

    def last_words(self, count: int = 5) -> str:
        """Return the last `count` lines that this run wrote to its log, for an error message."""
        with self.log.open("rb") as log:
            log.seek(self._begin)
            return "\n".join(log.read().decode(errors="replace").strip().splitlines()[-count:])

    def stop(self) -> None:
        """Send the stop signal, wait up to `stop_within`, then kill the whole process group."""
        if self.exit_code() is None:
            self._process.send_signal(self.program.stop_signal)
        if not self.wait(self.program.stop_within):
            self._signal_group(signal.SIGKILL)
            self.wait(KILL_WITHIN)

    def wait(self, limit: timedelta) -> bool:
        """Wait for the process to end; return False if `limit` passes first."""
        deadline = time.monotonic() + limit.total_seconds()
        while self.exit_code() is None:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_EVERY.total_seconds())
        return True

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def bound_to_parent(program: Program) -> list[str]:
    """Return the command line of a program that ends when this process does.

    Only Linux can bind a child to its parent (prctl PR_SET_PDEATHSIG, through util-linux' setpriv);
    elsewhere a child outlives a parent that is killed with SIGKILL. The kernel sends the signal when the
    *thread* that started the child ends, so start children from the main thread only.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None:
        return list(program.argv)
    return [setpriv, "--pdeathsig", program.orphan_signal.name.removeprefix("SIG"), "--", *program.argv]


def run_to_end(
    program: Program, logs: Path, *, within: timedelta, tick: Callable[[timedelta], None] | None = None
) -> Child:
    """Run a program to its end and return it; stop it if it runs longer than `within`.

    `tick` is called with the elapsed time on every poll.
    """
    child = Child(program, logs)
    try:
        while (
            child.exit_code() is None
            and (elapsed := time.monotonic() - child.started_at) < within.total_seconds()
        ):
            if tick:
                tick(timedelta(seconds=elapsed))
            time.sleep(POLL_EVERY.total_seconds())
    finally:
        child.stop()
    return child


def _keep_small(log: Path) -> int:
    """Rotate a log that has grown large; return the size of the current one in bytes."""
    log.parent.mkdir(parents=True, exist_ok=True)
    size = log.stat().st_size if log.exists() else 0
    if size < KEPT_LOG_BYTES:
        return size
    log.replace(log.with_suffix(".log.1"))
    return 0
