from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import structlog

from models.errors import EnvironmentUnreachable
from services.repositories.git import CheckCancelled, GitOutputTooLarge, GitResult, GitTimedOut
from services.repositories.push_answer import PushAnswer, no_answer, read_answer
from services.repositories.routes import Route
from services.repositories.tickets import is_ticket
from services.repositories.transport import GitLimits, run_transport

ALL_REFS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")

# These say nothing of why: refused, silent, without TLS or no repository are all one.
_UNREACHED = (
    "The environment's repository could not be reached. Check its URL, and that its connection may read it."
)
_UNANSWERED = "The environment's repository did not answer the push."
_log = structlog.get_logger()

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

    def __init__(self, git_dir: Path, route: Route, limits: GitLimits) -> None:
        self._git_dir = git_dir
        self._route = route
        self._limits = limits

    def read(self, refs: Collection[str], check_cancelled: CheckCancelled) -> Mapping[str, str]:
        """Ask for the objects of some refs; those that the remote does not have, or hides, are left out.

        Raises EnvironmentUnreachable.
        """
        try:
            result = self._run(
                ["ls-remote", "--quiet"],
                refs,
                timeout=self._limits.fetch_timeout,
                check_cancelled=check_cancelled,
                limits=_SHORT_ANSWER,
            )
        except GitTimedOut:
            raise EnvironmentUnreachable(_UNREACHED) from None
        except GitOutputTooLarge:
            raise EnvironmentUnreachable("The environment's repository names too much at once.") from None
        self.check_reached(result)
        lines = (line.split("\t") for line in result.stdout.decode("utf-8", "replace").splitlines())
        return {name: oid for oid, *names in lines for name in names if name in refs}

    def fetch(
        self, refspecs: Sequence[str], *, prune: bool, timeout: timedelta, check_cancelled: CheckCancelled
    ) -> GitResult:
        """Fetch into the mirror; with `prune`, drop the refs that the repository no longer has.

        Returns git's failure too. Raises EnvironmentUnreachable where the time limit passes.
        """
        arguments = [*_FETCH, *(["--prune"] if prune else [])]
        try:
            return self._run(arguments, refspecs, timeout=timeout, check_cancelled=check_cancelled)
        except GitTimedOut:
            raise EnvironmentUnreachable(_UNREACHED) from None

    def push(self, updates: Sequence[RefUpdate], *, check_cancelled: CheckCancelled) -> PushAnswer:
        """Move refs from their expected values, all or none; return what the remote answered."""
        refs = [update.ref for update in updates]
        small = all(is_ticket(ref) for ref in refs)
        timeout = self._limits.ticket_timeout if small else self._limits.push_timeout
        atomic = ["--atomic"] if len(updates) > 1 else []
        leases = [f"--force-with-lease={update.ref}:{update.expected or ''}" for update in updates]
        moves = [f"{update.new or ''}:{update.ref}" for update in updates]
        try:
            result = self._run(
                [*_PUSH, *atomic, *leases], moves, timeout=timeout, check_cancelled=check_cancelled
            )
        except (GitTimedOut, EnvironmentUnreachable):
            return no_answer(refs, _UNANSWERED)
        answer = read_answer(result, refs)
        if answer.heard:
            return answer
        _log.info("push_unanswered", said=answer.words)
        return replace(answer, words=_UNANSWERED)

    def check_reached(self, result: GitResult) -> None:
        """Raise EnvironmentUnreachable for a git command that failed at the remote.

        One wording, whatever failed: an answer never tells what listens on a network. The log tells.
        """
        if result.exit_code != 0:
            _log.info("repository_unreached", said=result.stderr)
            raise EnvironmentUnreachable(_UNREACHED)

    def _run(
        self,
        command: Sequence[str],
        names: Iterable[str],
        *,
        timeout: timedelta,
        check_cancelled: CheckCancelled,
        limits: GitLimits | None = None,
    ) -> GitResult:
        with self._route.passage() as passage:
            return run_transport(
                self._git_dir,
                [*command, "--end-of-options", passage.source, *names],
                timeout=timeout,
                limits=limits or self._limits,
                passage=passage,
                check_cancelled=check_cancelled,
            )
