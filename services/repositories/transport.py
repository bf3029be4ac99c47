import functools
import os
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from models.errors import EnvironmentUnreachable, PushRaced, PushRefused, RepositoryTooLarge
from services.repositories.git import (
    CheckCancelled,
    GitOutputTooLarge,
    GitResult,
    GitTimedOut,
    never_cancelled,
    run_git,
)

_MIB = 1024**2


@dataclass(frozen=True, kw_only=True)
class GitLimits:
    """How long git may take, and how large a repository and a file of it may be, in bytes."""

    fetch_timeout: timedelta = timedelta(seconds=45)
    push_timeout: timedelta = timedelta(seconds=60)
    object_timeout: timedelta = timedelta(minutes=2)
    max_repository_bytes: int = 2048 * _MIB
    max_file_bytes: int = 10 * _MIB
    max_output_bytes: int = 256 * _MIB


DEFAULT_LIMITS = GitLimits()

# Set on every command, over whatever the user's own configuration says. A hook, a file-system monitor or a
# background clean-up would run code beside us; a submodule would reach for a second repository.
_CONFIGURATION = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "fetch.unpackLimit=1",
    "push.recurseSubmodules=no",
    "push.pushOption=",
    "credential.interactive=false",
)
# Of git's own variables only those that say how a person reaches a remote; the others (GIT_DIR,
# GIT_CONFIG_PARAMETERS, GIT_TRACE, …) would change what a command does or write what it sees to a file.
_KEPT = frozenset(
    {
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_SYSTEM",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_SSH_VARIANT",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
    }
)
# The worker's own settings and secrets: over `file` a remote's receive hooks would inherit them.
_OURS = ("OPERATIONRUN_", "PG", "TEMPORAL_", "GIT_")
_BATCH_MODE = " -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=10 -o ServerAliveCountMax=3"


def run_transport(
    git_dir: Path,
    arguments: Sequence[str],
    *,
    timeout: timedelta,
    limits: GitLimits,
    check_cancelled: CheckCancelled = never_cancelled,
) -> GitResult:
    """Run a git command that talks to a remote, with the user's credential helpers and SSH keys.

    Nothing prompts; only https, ssh and file are spoken, whatever a redirection or a configuration says.
    Raises as run_git does.
    """
    return run_git(
        _command(git_dir, arguments),
        environment=_transport_environment(os.environ),
        timeout=timeout,
        check_cancelled=check_cancelled,
        max_output=limits.max_output_bytes,
    )


def run_local(git_dir: Path, arguments: Sequence[str], *, limits: GitLimits) -> GitResult:
    """Run a git command on a repository's objects, deaf to the user's and the system's configuration.

    Raises RepositoryTooLarge where it takes longer, or writes more, than the limits allow.
    """
    try:
        return run_git(
            _command(git_dir, arguments),
            environment=_local_environment(os.environ),
            timeout=limits.object_timeout,
            max_output=limits.max_output_bytes,
        )
    except (GitTimedOut, GitOutputTooLarge):
        raise RepositoryTooLarge(
            f"git {arguments[0]} on the repository's objects passes the limit of time or size."
        ) from None


def _command(git_dir: Path, arguments: Sequence[str]) -> list[str]:
    configuration = [part for setting in _CONFIGURATION for part in ("-c", setting)]
    # An explicit git directory is taken as it is: no search upwards, no question of who owns it.
    return ["--literal-pathspecs", f"--git-dir={git_dir}", *configuration, *arguments]


def _local_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        "PATH": environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
    }


def _transport_environment(environ: Mapping[str, str]) -> dict[str, str]:
    inherited = {
        name: value for name, value in environ.items() if name in _KEPT or not name.startswith(_OURS)
    }
    ssh_command = _ssh_command(environ)
    return {
        **inherited,
        **({"GIT_SSH_COMMAND": ssh_command} if ssh_command else {}),
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "https:ssh:file",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS_REQUIRE": "never",
        "GCM_INTERACTIVE": "never",
        # A connection that carries nothing ends by itself, also when nobody is left to kill it.
        "GIT_HTTP_LOW_SPEED_LIMIT": "1",
        "GIT_HTTP_LOW_SPEED_TIME": "30",
        "GIT_NO_LAZY_FETCH": "1",
    }


def _ssh_command(environ: Mapping[str, str]) -> str | None:
    """Return the user's own ssh command, made unable to prompt; None: a program of theirs, left alone."""
    if "GIT_SSH" in environ and "GIT_SSH_COMMAND" not in environ:
        return None
    command = environ.get("GIT_SSH_COMMAND") or _configured_ssh_command() or "ssh"
    try:
        program = shlex.split(command)[0]
    except (ValueError, IndexError):
        return command
    return command + _BATCH_MODE if Path(program).name == "ssh" else command


@functools.cache
def _configured_ssh_command() -> str:
    answer = subprocess.run(
        ["git", "config", "--get", "core.sshCommand"],
        cwd="/",
        env={
            name: value for name, value in os.environ.items() if name in _KEPT or not name.startswith("GIT_")
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip()


# One line of `git push --porcelain`: flag, from:to, and what became of it.
_STATUS = re.compile(
    r"^(?P<flag>[ +*=!-])\t[^\t]*\t\[?(?P<summary>[^\](]*)\]?(?: \((?P<reason>.*)\))?$", re.MULTILINE
)
# The words of a remote whose ref moved, or is being moved, under this push.
_MOVED = re.compile(
    r"stale info|fetch first|non-fast-forward|needs force|cannot lock ref|failed to lock|failed to update ref"
    r"|incorrect old value|reference already exists"
)
# The words of a remote that answered, and the answer is no.
_DENIED = re.compile(
    r"permission|denied|forbidden|not allowed|not permitted|read-only|protected|unauthori[sz]ed|declined"
    r"|authentication failed|could not read (?:username|password)|error: 40[13]|archived",
    re.IGNORECASE,
)


def judge_push(result: GitResult) -> None:
    """Return for a push that the remote took; otherwise raise what its answer means.

    PushRaced: the branch moved. PushRefused: a hook, a protected branch, a missing permission; with the
    remote's words. EnvironmentUnreachable: there was no answer, and the push may or may not have arrived.
    """
    status = _STATUS.search(result.stdout.decode("utf-8", "replace"))
    if status is not None:
        _judge_status(status, result.stderr)
    elif result.exit_code != 0 and _DENIED.search(result.stderr):
        raise PushRefused(f"The repository refused the push: {result.stderr}")
    elif result.exit_code != 0:
        raise EnvironmentUnreachable(f"The environment's repository did not answer the push: {result.stderr}")


def _judge_status(status: re.Match[str], answer: str) -> None:
    summary, reason = status["summary"], status["reason"] or ""
    if status["flag"] != "!":
        return
    if summary == "rejected":
        raise PushRaced
    if summary == "remote rejected" and _MOVED.search(reason) and not _DENIED.search(f"{reason} {answer}"):
        raise PushRaced
    if summary == "remote rejected":
        raise PushRefused(f"The repository refused the push: {reason}\n{answer}".strip())
    raise EnvironmentUnreachable(
        f"The environment's repository did not report on the push: {reason}\n{answer}"
    )
