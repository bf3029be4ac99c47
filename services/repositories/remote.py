from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from models.errors import EnvironmentUnreachable
from services.repositories.git import CheckCancelled, GitOutputTooLarge, GitResult, GitTimedOut
from services.repositories.push_answer import judge_push
from services.repositories.refs import branch_ref
from services.repositories.transport import GitLimits, run_transport

ALL_REFS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")

# For the answer about one ref.
_SHORT_ANSWER = GitLimits(max_output_bytes=1 << 16)
_FETCH = (
    "fetch",
    "--quiet",
    "--force",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    "--no-auto-maintenance",
)
_PUSH = (
    # Existing deltas are sent as they are; searching for more takes longer than sending files of this size.
    "-c",
    "pack.window=0",
    "push",
    "--porcelain",
    "--no-progress",
    "--no-verify",
    "--no-signed",
    "--no-follow-tags",
    "--recurse-submodules=no",
)


class Remote:
    """An environment's repository, as git reaches it from its mirror's directory."""

    def __init__(self, git_dir: Path, source: str, limits: GitLimits) -> None:
        self._git_dir = git_dir
        self._source = source
        self._limits = limits

    def head_of(self, branch: str, check_cancelled: CheckCancelled) -> str | None:
        """Ask for the commit of a branch; None where the remote has no such branch.

        Raises InvalidInput for an invalid branch name, and EnvironmentUnreachable.
        """
        name = branch_ref(branch)
        try:
            result = run_transport(
                self._git_dir,
                ["ls-remote", "--quiet", "--end-of-options", self._source, name],
                timeout=self._limits.fetch_timeout,
                limits=_SHORT_ANSWER,
                check_cancelled=check_cancelled,
            )
        except GitTimedOut:
            raise self._silent() from None
        except GitOutputTooLarge:
            raise EnvironmentUnreachable("The environment's repository names too much at once.") from None
        check_reached(result)
        lines = (line.split("\t") for line in result.stdout.decode("utf-8", "replace").splitlines())
        return next((oid for oid, *names in lines if names == [name]), None)

    def fetch(
        self, refspecs: Sequence[str], *, prune: bool, timeout: timedelta, check_cancelled: CheckCancelled
    ) -> GitResult:
        """Fetch into the mirror; with `prune`, drop the refs that the repository no longer has.

        Returns git's failure too. Raises EnvironmentUnreachable where the time limit passes.
        """
        arguments = [*_FETCH, *(["--prune"] if prune else []), "--end-of-options", self._source, *refspecs]
        try:
            return run_transport(
                self._git_dir,
                arguments,
                timeout=timeout,
                limits=self._limits,
                check_cancelled=check_cancelled,
            )
        except GitTimedOut:
            raise self._silent() from None

    def push(self, *, commit: str, branch: str, expected: str, check_cancelled: CheckCancelled) -> None:
        """Move a branch from `expected` to `commit` or not at all; raises as `judge_push` does."""
        name = branch_ref(branch)
        lease = f"--force-with-lease={name}:{expected}"
        try:
            result = run_transport(
                self._git_dir,
                [*_PUSH, lease, "--end-of-options", self._source, f"{commit}:{name}"],
                timeout=self._limits.push_timeout,
                limits=self._limits,
                check_cancelled=check_cancelled,
            )
        except GitTimedOut:
            limit = _seconds(self._limits.push_timeout)
            raise EnvironmentUnreachable(
                f"The environment's repository did not answer the push within {limit}."
            ) from None
        judge_push(result)

    def _silent(self) -> EnvironmentUnreachable:
        limit = _seconds(self._limits.fetch_timeout)
        return EnvironmentUnreachable(f"The environment's repository did not answer within {limit}.")


def check_reached(result: GitResult) -> None:
    """Raise EnvironmentUnreachable for a git command that failed at the remote."""
    if result.exit_code != 0:
        raise EnvironmentUnreachable(f"The environment's repository could not be reached: {result.stderr}")


def _seconds(limit: timedelta) -> str:
    return f"{limit.total_seconds():g} seconds"
