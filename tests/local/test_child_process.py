import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from runtime.local.child_process import Child, Program, run_to_end
from tests.left_out import linux_alone

Until = Callable[[Callable[[], object]], None]
FOREVER = "import time\nwhile True: time.sleep(60)"


def python(code: str, **options: object) -> Program:
    defaults = {"stop_within": timedelta(seconds=5)}
    return Program(name="child", argv=(sys.executable, "-u", "-c", code), **(defaults | options))  # type: ignore[arg-type]


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def written_pid(file: Path) -> int:
    return int(file.read_text()) if file.exists() and file.read_text() else 0


def test_it_writes_what_the_program_says_to_its_log(logs: Path) -> None:
    child = run_to_end(python("print('hello'); raise SystemExit(3)"), logs, within=timedelta(seconds=10))
    assert child.exit_code() == 3
    assert (logs / "child.log").read_text() == "hello\n"


def test_last_words_are_those_of_this_run_only(logs: Path) -> None:
    run_to_end(python("print('first run')"), logs, within=timedelta(seconds=10))
    again = run_to_end(python("print('second run')"), logs, within=timedelta(seconds=10))
    assert again.last_words() == "second run"
    assert again.log.read_text() == "first run\nsecond run\n"


def test_it_is_ready_once_the_ready_line_stands_whole_in_the_log(logs: Path, until: Until) -> None:
    code = "import sys\nprint('worker ready soon'); sys.stdout.write('worker re'); sys.stdin.read()"
    child = Child(python(code, ready_line="worker ready"), logs)
    try:
        until(lambda: child.exit_code() is not None)
        child.new_lines()
        assert not child.is_ready
        with child.log.open("a") as log:
            log.write("ady\n")
        child.new_lines()
        assert child.is_ready
    finally:
        child.stop()


def test_a_program_over_its_time_limit_is_stopped(logs: Path) -> None:
    child = run_to_end(python(FOREVER), logs, within=timedelta(milliseconds=200))
    assert child.exit_code() == -signal.SIGTERM


def test_stop_kills_what_ignores_the_signal_and_its_children_too(
    logs: Path, tmp_path: Path, until: Until
) -> None:
    grandchild = tmp_path / "pid"
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{FOREVER}"
    code = (
        "import pathlib, signal, subprocess, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"child = subprocess.Popen([sys.executable, '-c', {stubborn!r}])\n"
        f"pathlib.Path({str(grandchild)!r}).write_text(str(child.pid))\n"
        "child.wait()"
    )
    child = Child(python(code, stop_within=timedelta(milliseconds=300)), logs)
    until(lambda: written_pid(grandchild))
    child.stop()
    assert child.exit_code() == -signal.SIGKILL
    until(lambda: not is_alive(written_pid(grandchild)))


def test_what_a_dead_program_leaves_in_its_group_is_killed(logs: Path, tmp_path: Path, until: Until) -> None:
    orphan = tmp_path / "pid"
    code = (
        "import pathlib, subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {FOREVER!r}])\n"
        f"pathlib.Path({str(orphan)!r}).write_text(str(child.pid))"
    )
    run_to_end(python(code), logs, within=timedelta(seconds=10))
    until(lambda: not is_alive(written_pid(orphan)))


@linux_alone("a child ends with its parent")
def test_a_child_gets_its_orphan_signal_when_this_process_is_killed(tmp_path: Path, until: Until) -> None:
    pid, told = tmp_path / "pid", tmp_path / "told"
    child = (
        "import os, pathlib, signal, time\n"
        f"signal.signal(signal.SIGINT, lambda *_: (pathlib.Path({str(told)!r}).touch(), os._exit(0)))\n"
        f"pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\n"
        "while True: time.sleep(60)"
    )
    parent = (
        "import pathlib, signal, sys, time\n"
        "from runtime.local.child_process import Child, Program\n"
        f"program = Program(name='c', argv=(sys.executable, '-c', {child!r}), orphan_signal=signal.SIGINT)\n"
        f"Child(program, pathlib.Path({str(tmp_path)!r}))\n"
        "time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    ) as process:
        until(lambda: written_pid(pid))
        process.kill()
    until(told.exists)
    until(lambda: not is_alive(written_pid(pid)))
