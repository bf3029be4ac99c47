import contextlib
import functools
import os
import selectors
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import IO

from services.masking.messages import redact

CheckCancelled = Callable[[], None]

CHECK_INTERVAL = timedelta(seconds=1)
_CHUNK = 1 << 16
_LONGEST_ANSWER = 1 << 16


class GitTimedOut(Exception):
    """Git exceeded its time limit and was killed."""


class GitOutputTooLarge(Exception):
    """Git exceeded its output limit and was killed."""


@dataclass(frozen=True, kw_only=True)
class GitResult:
    """How one git command ended; `stderr` is short and redacted."""

    exit_code: int
    stdout: bytes
    stderr: str


def never_cancelled() -> None:
    """Never cancel."""


def run_git(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    timeout: timedelta,
    check_cancelled: CheckCancelled = never_cancelled,
    max_output: int,
) -> GitResult:
    """Run one git command to its end, in a process group of its own.

    `check_cancelled` is called about once a second; what it raises ends the command. A command that is ended
    early is killed with its whole process group. If this process dies, so does git, where util-linux's
    setpriv is installed. Raises GitTimedOut, and GitOutputTooLarge where stdout passes `max_output` bytes.
    """
    process = subprocess.Popen(
        [*_dying_with_us(), "git", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environment),
        cwd="/",
        start_new_session=True,
    )
    # Git is reaped after its pipes ended, so that no other process can take its group's id before.
    with process:
        try:
            stdout, stderr = _drain(process, timeout, check_cancelled, max_output)
            process.wait()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return GitResult(
        exit_code=process.returncode, stdout=stdout, stderr=redact(stderr.decode("utf-8", "replace"))
    )


@functools.cache
def _dying_with_us() -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()


def _drain(
    process: subprocess.Popen[bytes], timeout: timedelta, check_cancelled: CheckCancelled, max_output: int
) -> tuple[bytes, bytes]:
    """Read both pipes to their ends; keep the last part of stderr."""
    stdout, stderr = bytearray(), bytearray()
    ends_at = monotonic() + timeout.total_seconds()
    checks_at = monotonic() + CHECK_INTERVAL.total_seconds()
    with selectors.DefaultSelector() as selector:
        for pipe, buffer in ((process.stdout, stdout), (process.stderr, stderr)):
            assert pipe is not None  # noqa: S101 - Popen opened both
            selector.register(pipe, selectors.EVENT_READ, buffer)
        while selector.get_map():
            for key, _ in selector.select(max(0.0, min(ends_at, checks_at) - monotonic())):
                _read(selector, key)
            del stderr[:-_LONGEST_ANSWER]
            if len(stdout) > max_output:
                raise GitOutputTooLarge
            if monotonic() >= ends_at:
                raise GitTimedOut
            if monotonic() >= checks_at:
                checks_at = monotonic() + CHECK_INTERVAL.total_seconds()
                check_cancelled()
    return bytes(stdout), bytes(stderr)


def _read(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    chunk = os.read(key.fd, _CHUNK)
    if chunk:
        key.data.extend(chunk)
    else:
        pipe: IO[bytes] = key.fileobj  # type: ignore[assignment] # registered by _drain
        selector.unregister(pipe)
