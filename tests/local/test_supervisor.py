import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from models.errors import OperationRunError
from runtime.local.child_process import Program
from runtime.local.supervisor import LONGEST_DELAY, Supervisor

Until = Callable[[Callable[[], object]], None]
FOREVER = "import time\nwhile True: time.sleep(60)"


def python(name: str, code: str, **options: object) -> Program:
    return Program(name=name, argv=(sys.executable, "-u", "-c", code), **options)  # type: ignore[arg-type]


def looked(supervisor: Supervisor) -> bool:
    supervisor.check()
    return True


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(logs: Path, said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(logs, say=said.append)
    yield supervisor
    supervisor.stop(["one", "two", "three"])


def running(supervisor: Supervisor, name: str) -> int:
    pid = supervisor.pid(name)
    assert pid is not None
    return pid


def test_it_starts_again_what_dies_and_tells_of_the_new_pid(
    supervisor: Supervisor, said: list[str], until: Until
) -> None:
    told = []
    supervisor.on_change = lambda: told.append(supervisor.pid("one"))
    first = supervisor.start(python("one", FOREVER)).pid
    os.kill(first, signal.SIGKILL)
    until(lambda: looked(supervisor) and supervisor.pid("one") != first)
    assert told == [supervisor.pid("one")]
    os.kill(running(supervisor, "one"), 0)
    assert said[0].startswith(f"one (pid {first}) ended with exit code -9; starting it again")


def test_it_waits_longer_each_time_a_program_dies_at_once(
    supervisor: Supervisor, said: list[str], until: Until
) -> None:
    supervisor.start(python("one", "raise SystemExit('no such setting')"))
    until(lambda: looked(supervisor) and len(said) == 3)
    delays = [float(re.findall(r"again in ([\d.]+) s", line)[0]) for line in said]
    assert delays == [0.2, 0.4, 0.8]
    assert all("no such setting" in line for line in said)
    assert timedelta(seconds=30) == LONGEST_DELAY


def test_it_stops_in_the_order_given_and_passes_over_what_never_started(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    stopped = tmp_path / "stopped"
    code = (
        "import os, signal, sys, time\n"
        "def stop(*_):\n"
        f"    open({str(stopped)!r}, 'a').write(sys.argv[1] + ' ')\n"
        "    os._exit(0)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "print('ready')\n"
        "while True: time.sleep(60)"
    )
    for name in ("one", "two", "three"):
        program = Program(name=name, argv=(sys.executable, "-u", "-c", code, name), ready_line="ready")
        supervisor.start(program)
        supervisor.wait_for(name, lambda child: child.is_ready, within=timedelta(seconds=10))
    pids = [running(supervisor, name) for name in ("one", "two", "three")]
    supervisor.stop(["three", "absent", "one", "two"])
    assert stopped.read_text() == "three one two "
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_waiting_for_a_program_that_ends_tells_its_last_words(supervisor: Supervisor) -> None:
    supervisor.start(python("one", "raise SystemExit('port taken')"))
    with pytest.raises(OperationRunError, match=r"one ended with exit code 1 at its start(.|\n)*port taken"):
        supervisor.wait_for("one", lambda _: False, within=timedelta(seconds=10))


def test_waiting_for_a_program_that_never_answers_has_an_end(supervisor: Supervisor) -> None:
    supervisor.start(python("one", FOREVER))
    with pytest.raises(OperationRunError, match="one did not answer within 0 s"):
        supervisor.wait_for("one", lambda _: False, within=timedelta(milliseconds=100))


def test_it_passes_on_the_lines_an_operator_should_see(
    supervisor: Supervisor, said: list[str], until: Until
) -> None:
    code = f"print('info: all is well'); print('warning: the disk is nearly full')\n{FOREVER}"
    supervisor.start(python("one", code, shown=re.compile("warning")))
    until(lambda: looked(supervisor) and said)
    assert said == ["one: warning: the disk is nearly full"]
