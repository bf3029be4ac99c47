import os
import subprocess
import sys

import pytest

PREAMBLE = """\
import atexit, sys
from runtime.process.exit import run_and_exit
atexit.register(print, 'handler ran')
"""


def run(main: str) -> subprocess.CompletedProcess[str]:
    code = f"{PREAMBLE}def main():\n    {main}\nrun_and_exit(main)\nprint('never reached')"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30
    )


@pytest.mark.parametrize(
    ("main", "code"),
    [
        ("return 0", 0),
        ("return 7", 7),
        ("sys.exit(3)", 3),
        ("sys.exit()", 0),
        ("raise KeyboardInterrupt", 130),
    ],
)
def test_it_keeps_the_exit_code_and_runs_exit_handlers(main: str, code: int) -> None:
    done = run(main)
    assert (done.returncode, done.stdout, done.stderr) == (code, "handler ran\n", "")


def test_it_flushes_what_was_written_without_a_newline() -> None:
    assert run("sys.stdout.write('last words, '); return 0").stdout == "last words, handler ran\n"


def test_an_exit_with_a_message_prints_it_and_fails() -> None:
    done = run("sys.exit('no such file')")
    assert (done.returncode, done.stderr) == (1, "no such file\n")


def test_an_unforeseen_exception_is_printed_and_fails() -> None:
    done = run("raise ValueError('odd')")
    assert done.returncode == 1
    assert "ValueError: odd" in done.stderr


@pytest.mark.parametrize(("unbuffered", "code"), [("", 4), ("1", 1)])
def test_a_reader_that_went_away_is_no_crash(unbuffered: str, code: int) -> None:
    main = "from runtime.process.exit import run_and_exit\nrun_and_exit(lambda: print('a line') or 4)"
    with subprocess.Popen(
        [sys.executable, "-c", main],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert (process.wait(timeout=30), process.stderr.read()) == (code, b"")
