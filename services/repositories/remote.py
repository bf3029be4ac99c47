from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from models.errors import EnvironmentUnreachable, RepositoryTooLarge
from services.repositories.git import CheckCancelled, GitOutputTooLarge, GitResult, GitTimedOut
from services.repositories.push_answer import PushAnswer, no_answer, read_answer
from services.repositories.tickets import is_ticket
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


@dataclass(frozen=True, kw_only=True)
class RefUpdate:
    """A move of one full ref; `expected` None: it must not exist yet, `new` None: it is deleted."""

    ref: str
    expected: str | None
    new: str | None


class Remote:
    """An environment's repository, as git reaches it from its mirror's directory."""

    def __init__(self, git_dir: Path, source: str, limits: GitLimits) -> None:
        self._git_dir = git_dir
        self._source = source
        self._limits = limits

    def read(self, refs: Collection[str], check_cancelled: CheckCancelled) -> Mapping[str, str]:
        """Ask for the objects of some refs; those that the remote does not have, or hides, are left out.

        Raises EnvironmentUnreachable.
        """
        try:
            result = run_transport(
                self._git_dir,
                ["ls-remote", "--quiet", "--end-of-options", self._source, *refs],
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
        return {name: oid for oid, *names in lines for name in names if name in refs}

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

    def push(self, updates: Sequence[RefUpdate], *, check_cancelled: CheckCancelled) -> PushAnswer:
        """Move refs from their expected values, all or none; return what the remote answered."""
        refs = [update.ref for update in updates]
        small = all(is_ticket(ref) for ref in refs)
        timeout = self._limits.ticket_timeout if small else self._limits.push_timeout
        atomic = ["--atomic"] if len(updates) > 1 else []
        leases = [f"--force-with-lease={update.ref}:{update.expected or ''}" for update in updates]
        moves = [f"{update.new or ''}:{update.ref}" for update in updates]
        try:
            result = run_transport(
                self._git_dir,
                [*_PUSH, *atomic, *leases, "--end-of-options", self._source, *moves],
                timeout=timeout,
                limits=self._limits,
                check_cancelled=check_cancelled,
            )
        except GitTimedOut:
            limit = _seconds(timeout)
            return no_answer(refs, f"The environment's repository did not answer the push within {limit}.")
        return read_answer(result, refs)

    def _silent(self) -> EnvironmentUnreachable:
        limit = _seconds(self._limits.fetch_timeout)
        return EnvironmentUnreachable(f"The environment's repository did not answer within {limit}.")


def check_reached(result: GitResult) -> None:
    """Raise EnvironmentUnreachable for a git command that failed at the remote.

    Raises RepositoryTooLarge where it failed here, at its memory limit.
    """
    if result.out_of_memory:
        raise RepositoryTooLarge("Fetching the repository takes more memory than the limit.")
    if result.exit_code != 0:
        raise EnvironmentUnreachable(f"The environment's repository could not be reached: {result.stderr}")


def _seconds(limit: timedelta) -> str:
    return f"{limit.total_seconds():g} seconds"
