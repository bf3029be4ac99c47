import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.repositories.git import GitOutputTooLarge, GitResult, GitTimedOut, never_cancelled, run_git
from tests.repositories.waiting import has_group, is_alive, wait_until


def shell(
    script: str,
    *,
    timeout: timedelta = timedelta(seconds=20),
    max_output: int = 1000,
    max_memory: int = 1 << 30,
) -> GitResult:
    """Run a shell script as git runs one: through an alias."""
    return run_git(
        ["-c", f"alias.run=!{script}", "run"],
        environment={"PATH": os.environ["PATH"], "HOME": "/nowhere"},
        timeout=timeout,
        check_cancelled=never_cancelled,
        max_output=max_output,
        max_memory=max_memory,
    )


@pytest.fixture
def group_file(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "group"
    yield place
    if place.exists() and has_group(int(place.read_text())):
        os.killpg(int(place.read_text()), signal.SIGKILL)


def _hang(group_file: Path) -> str:
    return f"ps -o pgid= -p $$ > {group_file}.new; mv {group_file}.new {group_file}; sleep 600"


def test_it_returns_what_git_said_and_how_it_ended() -> None:
    result = shell("echo out; echo https://person:secret@host/x >&2; exit 3")
    assert result == GitResult(exit_code=3, stdout=b"out\n", stderr="https://***@host/x")


def test_it_waits_for_nothing_to_be_typed() -> None:
    assert shell("cat").stdout == b""


def test_it_keeps_little_of_an_endless_complaint() -> None:
    result = shell("yes complaint | head -c 5000000 >&2; echo the end >&2")
    assert result.stderr.endswith("the end")
    assert len(result.stderr) < 1100


def test_an_endless_output_is_stopped() -> None:
    with pytest.raises(GitOutputTooLarge):
        shell("yes")


def test_git_and_its_children_are_refused_memory_past_the_limit() -> None:
    script = "head -c 200000000 /dev/zero | git hash-object --stdin"
    result = shell(script, max_memory=1 << 26)
    assert result.out_of_memory, result
    assert not shell(script).out_of_memory


def test_a_remote_without_memory_is_not_this_side_s_limit() -> None:
    assert not shell("echo 'remote: fatal: Out of memory, malloc failed' >&2; exit 1").out_of_memory


def test_the_whole_group_is_killed_at_the_time_limit(group_file: Path) -> None:
    with pytest.raises(GitTimedOut):
        shell(f"(sleep 600 &) ; {_hang(group_file)}", timeout=timedelta(seconds=1))
    wait_until(lambda: not has_group(int(group_file.read_text())))


def test_git_dies_with_the_process_that_ran_it(group_file: Path) -> None:
    script = f"from tests.repositories.test_git import shell; shell({_hang(group_file)!r})"
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", script], cwd=root) as worker:
        wait_until(group_file.exists)
        git = int(group_file.read_text())
        assert is_alive(git)
        worker.kill()
    wait_until(lambda: not is_alive(git))
