import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.local.postmaster_pid import clear_postmaster_file
from tests.left_out import linux_alone

LINUX = linux_alone("telling from /proc whose postmaster file it is")
ENDS_ON_SIGINT = (
    "import signal, sys, time\n"
    "signal.signal(signal.SIGINT, lambda *_: sys.exit())\n"
    "print('on', flush=True)\n"
    "while True: time.sleep(60)"
)


@pytest.fixture
def postmaster_file(tmp_path: Path) -> Path:
    return tmp_path / "postmaster.pid"


@LINUX
def test_a_file_that_names_a_stranger_is_removed(tmp_path: Path, postmaster_file: Path) -> None:
    postmaster_file.write_text(f"{os.getpid()}\n{tmp_path}\n")
    clear_postmaster_file(tmp_path, say=pytest.fail)
    assert not postmaster_file.exists()


@pytest.mark.parametrize("content", ["", "not a number\n", f"{2**22 + 1}\n"])
def test_a_file_that_names_nobody_is_left_to_postgresql(
    tmp_path: Path, postmaster_file: Path, content: str
) -> None:
    postmaster_file.write_text(content)
    clear_postmaster_file(tmp_path, say=pytest.fail)
    assert postmaster_file.exists()


@LINUX
def test_a_server_left_on_the_directory_is_stopped_first(tmp_path: Path, postmaster_file: Path) -> None:
    said: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", ENDS_ON_SIGINT], cwd=tmp_path, stdout=subprocess.PIPE
    ) as left:
        assert left.stdout
        left.stdout.readline()
        postmaster_file.write_text(f"{left.pid}\n{tmp_path}\n")
        clear_postmaster_file(tmp_path, say=said.append)
        assert left.wait(timeout=10) == 0
    assert said == [f"A PostgreSQL server (pid {left.pid}) is left on {tmp_path}; stopping it first."]
