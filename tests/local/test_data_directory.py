import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import OperationRunError
from runtime.local.data_directory import locked

HOLD = (
    "import sys, pathlib\n"
    "from runtime.local.data_directory import locked\n"
    "with locked(pathlib.Path(sys.argv[1])):\n"
    "    print('locked', flush=True); sys.stdin.read()"
)


def test_a_second_holder_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with (
        locked(folder),
        pytest.raises(OperationRunError, match=rf"\(pid {os.getpid()}\).*--data-dir"),
        locked(folder),
    ):
        pass


def test_it_can_be_held_again_after_a_holder_that_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(OperationRunError, match=str(holder.pid)), locked(tmp_path):
            pass
        holder.kill()
        holder.wait(timeout=10)
        with locked(tmp_path):
            assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
