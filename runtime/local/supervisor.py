import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from models.errors import OperationRunError
from runtime.local.child_process import Child, Program
from runtime.telemetry.logging import readable

CHECK_EVERY = timedelta(milliseconds=100)
FIRST_DELAY = timedelta(milliseconds=200)
LONGEST_DELAY = timedelta(seconds=30)
STEADY_AFTER = timedelta(seconds=30)


class Supervisor:
    """Keeps programs running: restarts each that dies, after a growing delay, and stops all in a given order.

    `say` gets the lines that an operator should see; `on_change` is called when a program has a new pid.
    Everything runs in the caller's thread, in `wait_for` and `watch`: a child dies with the thread that
    started it (runtime/local/child_process.py).
    """

    def __init__(self, logs: Path, *, say: Callable[[str], None]) -> None:
        self._logs = logs
        self._say = say
        self.on_change: Callable[[], object] = lambda: None
        self._children: dict[str, Child] = {}
        self._delays: dict[str, timedelta] = {}
        self._restart_at: dict[str, float] = {}

    def start(self, program: Program) -> Child:
        """Start a program and keep it running from now on."""
        child = self._children[program.name] = Child(program, self._logs)
        return child

    def pid(self, name: str) -> int | None:
        """Return the pid of a program's current run; None if it was never started."""
        child = self._children.get(name)
        return child.pid if child else None

    def wait_for(self, name: str, answers: Callable[[Child], bool], *, within: timedelta) -> None:
        """Wait until a program answers; raise OperationRunError if it ends first or takes too long."""
        child = self._children[name]
        deadline = time.monotonic() + within.total_seconds()
        while not answers(child):
            self._echo(child)
            code = child.exit_code()
            if code is not None:
                raise OperationRunError(
                    f"{name} ended with exit code {code} at its start. {_last_output(child)}"
                )
            if time.monotonic() > deadline:
                raise OperationRunError(
                    f"{name} did not answer within {within.total_seconds():.0f} s. {_last_output(child)}"
                )
            time.sleep(CHECK_EVERY.total_seconds())

    def watch(self) -> None:
        """Keep every program running until a signal handler raises."""
        while True:
            self.check()
            time.sleep(CHECK_EVERY.total_seconds())

    def check(self) -> None:
        """Check every program once: pass its lines on, and restart it if it died and its delay is over."""
        for name, child in list(self._children.items()):
            self._echo(child)
            if child.exit_code() is None:
                continue
            if name not in self._restart_at:
                self._plan_restart(child)
            elif time.monotonic() >= self._restart_at[name]:
                del self._restart_at[name]
                self.start(child.program)
                self.on_change()

    def stop(self, order: Sequence[str]) -> None:
        """Stop the named programs one after the other; skip those that were never started."""
        for name in order:
            child = self._children.pop(name, None)
            if child:
                child.stop()

    def _plan_restart(self, child: Child) -> None:
        name = child.program.name
        lived = timedelta(seconds=time.monotonic() - child.started_at)
        before = self._delays.get(name)
        delay = FIRST_DELAY if before is None or lived > STEADY_AFTER else min(before * 2, LONGEST_DELAY)
        self._delays[name] = delay
        self._restart_at[name] = time.monotonic() + delay.total_seconds()
        self._say(
            f"{name} (pid {child.pid}) ended with exit code {child.exit_code()}; "
            f"starting it again in {delay.total_seconds():.1f} s. {_last_output(child)}"
        )

    def _echo(self, child: Child) -> None:
        for line in child.new_lines():
            self._say(f"{child.program.name}: {readable(line)}")


def _last_output(child: Child) -> str:
    words = child.last_words()
    return f"Its last words in {child.log}:\n{words}" if words else f"It left no word in {child.log}."
