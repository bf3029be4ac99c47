import contextlib
import functools
import os
import re
import resource
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
# Of one process, in bytes. A comparison runs up to four at a time.
MAX_MEMORY = 512 * 1024**2
_CHUNK = 1 << 16
_LONGEST_ANSWER = 1 << 16
# What git says where memory is refused to it, under LC_ALL=C; a remote's own words begin with "remote:".
_NO_MEMORY = re.compile(r"(?m)^(?!remote:).*(Out of memory|Cannot allocate memory)")


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

    @property
    def out_of_memory(self) -> bool:
        """Whether the command failed at its memory limit."""
        return self.exit_code != 0 and _NO_MEMORY.search(self.stderr) is not None


def never_cancelled() -> None:
    """Never cancel."""


def run_git(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    timeout: timedelta,
    check_cancelled: CheckCancelled = never_cancelled,
    max_output: int,
    max_memory: int = MAX_MEMORY,
) -> GitResult:
    """Run one git command to its end, in a process group of its own.

    `check_cancelled` is called about once a second; what it raises ends the command. A command that is ended
    early is killed with its whole process group. Where util-linux is installed, git dies with this process,
    and git and each process that it starts get at most `max_memory` bytes (law L13). Raises GitTimedOut, and
    GitOutputTooLarge where stdout passes `max_output` bytes.
    """
    process = subprocess.Popen(
        [*_bounded(max_memory), "git", *arguments],
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
def _bounded(max_memory: int) -> tuple[str, ...]:
    """Return the command that runs another one: dying with this process, and bounded in memory."""
    setpriv, prlimit = shutil.which("setpriv"), shutil.which("prlimit")
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = max_memory if hard == resource.RLIM_INFINITY else min(max_memory, hard)
    return (
        *((setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()),
        # Not RLIMIT_AS: git maps its packs, however large, and mapped files take no memory.
        *((prlimit, f"--data={limit}", "--") if prlimit else ()),
    )


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
