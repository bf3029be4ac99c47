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
    """The operating system's user a program runs as, where that is not ours."""

    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run as a child, and how it wants to be stopped.

    `orphan_signal` is what it gets when this process dies without a word; `ready_line` the line of its
    output that says it is ready; `shown` picks the lines of its log that an operator should see.
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
    """One run of a program, in a process group of its own, that writes to a log file."""

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
        """Return how the process ended (minus the signal's number if by one), None while it runs."""
        code = self._process.poll()
        if code is not None:
            self._signal_group(signal.SIGKILL)
        return code

    def new_lines(self) -> list[str]:
        """Return the whole lines written since the last call that are to be shown."""
        with self.log.open("rb") as log:
            log.seek(self._read_to)
            text = log.read()
        self._read_to += len(text)
        *lines, self._unfinished = (self._unfinished + text.decode(errors="replace")).split("\n")
        self.is_ready = self.is_ready or self.program.ready_line in lines
        return [line for line in lines if self.program.shown.search(line)]

    def last_words(self, count: int = 5) -> str:
        """Return the last lines this run wrote to its log, for an error message."""
        with self.log.open("rb") as log:
            log.seek(self._begin)
            return "\n".join(log.read().decode(errors="replace").strip().splitlines()[-count:])

    def stop(self) -> None:
        """Ask the process to stop, wait its time limit, then kill its whole group."""
        if self.exit_code() is None:
            self._process.send_signal(self.program.stop_signal)
        if not self.wait(self.program.stop_within):
            self._signal_group(signal.SIGKILL)
            self.wait(KILL_WITHIN)

    def wait(self, limit: timedelta) -> bool:
        """Wait for the end; return False if the time limit came first."""
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
    """Return the command line of a program that is to end when this process does.

    Binding to this process is Linux's (prctl PR_SET_PDEATHSIG, by util-linux' setpriv); elsewhere a
    child outlives a parent that was killed with SIGKILL. The signal comes when the *thread* that
    started the child ends, so children are started from the main thread alone.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None:
        return list(program.argv)
    return [setpriv, "--pdeathsig", program.orphan_signal.name.removeprefix("SIG"), "--", *program.argv]


def run_to_end(
    program: Program, logs: Path, *, within: timedelta, tick: Callable[[timedelta], None] | None = None
) -> Child:
    """Run a program that ends by itself; return it ended, stopped if it was not done in time.

    `tick` is called with the elapsed time, over and over.
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
    """Move a log that has grown large aside; return how many bytes this one has."""
    log.parent.mkdir(parents=True, exist_ok=True)
    size = log.stat().st_size if log.exists() else 0
    if size < KEPT_LOG_BYTES:
        return size
    log.replace(log.with_suffix(".log.1"))
    return 0
