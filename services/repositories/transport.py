import functools
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from models.errors import RepositoryTooLarge
from services.repositories.git import (
    MAX_MEMORY,
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
    """The limits of git's work: time per command, and sizes in bytes."""

    fetch_timeout: timedelta = timedelta(seconds=45)
    push_timeout: timedelta = timedelta(seconds=60)
    ticket_timeout: timedelta = timedelta(seconds=10)
    object_timeout: timedelta = timedelta(minutes=2)
    max_repository_bytes: int = 2048 * _MIB
    max_file_bytes: int = 10 * _MIB
    max_output_bytes: int = 256 * _MIB
    object_memory_bytes: int = MAX_MEMORY
    # A fetch inflates a file and the one that it is packed against.
    transport_memory_bytes: int = 1024 * _MIB


DEFAULT_LIMITS = GitLimits()

# These override the user's own configuration. A hook, a file-system monitor or a background clean-up would
# run other code; a submodule would contact a second repository.
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
    # Another host gets no credential, and no address that was not checked.
    "http.followRedirects=false",
)
# Git's own variables that configure access to remotes. The others (GIT_DIR, GIT_CONFIG_PARAMETERS,
# GIT_TRACE, …) would change what a command does, or write what it sees to a file.
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
# The worker's settings and secrets: the receive hooks of a `file` remote would inherit them.
_OURS = ("OPERATIONRUN_", "PG", "TEMPORAL_", "GIT_")
_TRUST = ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSL_CERT_FILE", "SSL_CERT_DIR")
_UNATTENDED: Mapping[str, str] = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
    # An idle connection ends by itself, also after this process died.
    "GIT_HTTP_LOW_SPEED_LIMIT": "1",
    "GIT_HTTP_LOW_SPEED_TIME": "30",
}
# Without HOME, curl and ssh would look up the user's own; nothing lies below this one.
_NO_HOME = "/dev/null"
# Of ssh: it asks nobody, and an idle connection ends by itself.
UNATTENDED_SSH: Mapping[str, str] = {
    "BatchMode": "yes",
    "ConnectTimeout": "15",
    "ServerAliveInterval": "10",
    "ServerAliveCountMax": "3",
}


@dataclass(frozen=True, kw_only=True)
class Passage:
    """How one git command reaches a remote: the URL or path that git gets, its environment and settings.

    `settings` are `name=value`; they are seen in the machine's list of processes.
    """

    source: str
    environment: Mapping[str, str]
    settings: Sequence[str] = ()


def run_transport(
    git_dir: Path,
    arguments: Sequence[str],
    *,
    timeout: timedelta,
    limits: GitLimits,
    passage: Passage,
    check_cancelled: CheckCancelled = never_cancelled,
) -> GitResult:
    """Run a git command that talks to a remote, with what its passage lends and nothing else.

    Nothing prompts, and only https, ssh and file are used. Raises as run_git does.
    """
    return run_git(
        _command(git_dir, arguments, settings=passage.settings),
        environment=passage.environment,
        timeout=timeout,
        check_cancelled=check_cancelled,
        max_output=limits.max_output_bytes,
        max_memory=limits.transport_memory_bytes,
    )


def run_local(git_dir: Path, arguments: Sequence[str], *, limits: GitLimits) -> GitResult:
    """Run a git command on a repository's objects, without the user's and the system's configuration.

    Raises RepositoryTooLarge, naming the limit, where the command takes longer, writes more or needs more
    memory than the limits allow.
    """
    try:
        result = run_git(
            _command(git_dir, arguments),
            environment=_isolated(os.environ, protocol="none"),
            timeout=limits.object_timeout,
            max_output=limits.max_output_bytes,
            max_memory=limits.object_memory_bytes,
        )
    except GitTimedOut:
        raise _past_limit(f"{limits.object_timeout.total_seconds():g} seconds") from None
    except GitOutputTooLarge:
        raise _past_limit(f"{limits.max_output_bytes:,} bytes of output") from None
    if result.out_of_memory:
        raise _past_limit(f"{limits.object_memory_bytes:,} bytes of memory")
    return result


def _past_limit(limit: str) -> RepositoryTooLarge:
    return RepositoryTooLarge(f"Reading the repository takes more than {limit}.")


def _command(git_dir: Path, arguments: Sequence[str], *, settings: Sequence[str] = ()) -> list[str]:
    configuration = [part for setting in (*_CONFIGURATION, *settings) for part in ("-c", setting)]
    # With an explicit git directory, git neither searches upwards nor checks its owner.
    return ["--literal-pathspecs", f"--git-dir={git_dir}", *configuration, *arguments]


def _isolated(environ: Mapping[str, str], *, protocol: str) -> dict[str, str]:
    return {
        "PATH": environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": protocol,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
    }


def isolated_environment(environ: Mapping[str, str], *, protocol: str) -> dict[str, str]:
    """Return the environment of a git that talks by one protocol and uses nothing of the machine.

    No configuration, home, agent, proxy or credential of the user. Which authorities TLS trusts stays the
    machine's: that opens no door.
    """
    trusted = {name: environ[name] for name in _TRUST if name in environ}
    return {**_isolated(environ, protocol=protocol), **trusted, "HOME": _NO_HOME, **_UNATTENDED}


def machine_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a git that reaches remotes as the user's own git does."""
    inherited = {
        name: value for name, value in environ.items() if name in _KEPT or not name.startswith(_OURS)
    }
    ssh_command = _ssh_command(environ)
    return {
        **inherited,
        **({"GIT_SSH_COMMAND": ssh_command} if ssh_command else {}),
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "https:ssh:file",
        "GIT_NO_LAZY_FETCH": "1",
        **_UNATTENDED,
    }


def _ssh_command(environ: Mapping[str, str]) -> str | None:
    """Return the user's ssh command, unable to prompt; None where GIT_SSH names a program of theirs."""
    if "GIT_SSH" in environ and "GIT_SSH_COMMAND" not in environ:
        return None
    command = environ.get("GIT_SSH_COMMAND") or _configured_ssh_command() or "ssh"
    try:
        program = shlex.split(command)[0]
    except (ValueError, IndexError):
        return command
    unattended = "".join(f" -o {name}={value}" for name, value in UNATTENDED_SSH.items())
    return command + unattended if Path(program).name == "ssh" else command


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
