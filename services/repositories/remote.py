import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urljoin

import structlog

from models.errors import EnvironmentUnreachable, RepositoryDamaged, RepositoryTooLarge
from services.masking.messages import redact
from services.repositories.git import (
    CheckCancelled,
    GitOutputTooLarge,
    GitResult,
    GitTimedOut,
    never_cancelled,
)
from services.repositories.push_answer import PushAnswer, no_answer, read_answer
from services.repositories.routing.routes import Route
from services.repositories.routing.secret_routes import private_file
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
# What git objects to in objects that parse all the same: names, dates, modes and files that it reads itself.
# None of it can harm a mirror without a checkout, and one odd commit must not fail a review for good.
_LET_THROUGH = (
    *("badDate", "badDateOverflow", "badTimezone", "missingSpaceBeforeDate", "zeroPaddedDate"),
    *("badEmail", "badName", "missingEmail", "missingNameBeforeEmail", "missingSpaceBeforeEmail"),
    *("multipleAuthors", "nulInCommit", "badTagName", "missingTaggerEntry"),
    *("emptyName", "fullPathname", "hasDot", "hasDotdot", "hasDotgit", "badFilemode", "zeroPaddedFilemode"),
    *("gitmodulesMissing", "gitmodulesBlob", "gitmodulesLarge", "gitmodulesName", "gitmodulesSymlink"),
    *("gitmodulesUrl", "gitmodulesPath", "gitmodulesUpdate", "gitmodulesParse", "gitattributesMissing"),
    *("gitattributesLarge", "gitattributesLineLength", "gitattributesBlob", "gitattributesSymlink"),
    *("gitignoreSymlink", "mailmapSymlink"),
)
_CHECKED = (
    *("-c", "fetch.fsckObjects=true"),
    *(part for finding in _LET_THROUGH for part in ("-c", f"fetch.fsck.{finding}=ignore")),
)
_DAMAGED = re.compile(
    r"^fatal: fsck error in|^remote: aborting due to possible repository corruption", re.MULTILINE
)
_REDIRECTED = re.compile(r"^fatal: unable to access .* returned error: 30[12378]$", re.MULTILINE)
_LOCATION = re.compile(r"Recv header: location: (?P<target>[!-~]{1,500})$", re.IGNORECASE | re.MULTILINE)
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


def _redirected(target: str) -> str:
    return (
        f"The repository's host redirects to {target}, and redirects are not followed. Use the repository's "
        "present URL."
    )


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
        arguments = [*_CHECKED, *_FETCH, *(["--prune"] if prune else [])]
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
        """Raise for a git command that failed: RepositoryDamaged for its objects, or EnvironmentUnreachable.

        RepositoryTooLarge where it failed here, at its memory limit.

        That has one wording, whatever failed: an answer never tells what listens on a network. The log
        tells. A host that was reached and redirects is named its target.
        """
        if result.exit_code == 0:
            return
        _log.info("repository_unreached", said=result.stderr)
        if result.out_of_memory:
            raise RepositoryTooLarge("Fetching the repository takes more memory than the limit.")
        if _DAMAGED.search(result.stderr):
            raise RepositoryDamaged
        target = self._redirect() if _REDIRECTED.search(result.stderr) else None
        raise EnvironmentUnreachable(_redirected(target) if target else _UNREACHED)

    def _redirect(self) -> str | None:
        """Ask once more, and return where the host redirects to; git's own answer does not say."""
        with private_file() as trace:
            with suppress(GitTimedOut, GitOutputTooLarge):
                self._run(
                    ["ls-remote", "--quiet"],
                    (),
                    timeout=self._limits.ticket_timeout,
                    check_cancelled=never_cancelled,
                    limits=_SHORT_ANSWER,
                    traced={"GIT_TRACE_CURL": trace, "GIT_TRACE_CURL_NO_DATA": "1"},
                )
            found = _LOCATION.search(Path(trace).read_text(errors="replace"))
        if found is None:
            return None
        target = urljoin(f"{self._route.source}/info/refs", found["target"])
        return redact(target.partition("?")[0].removesuffix("/info/refs"))

    def _run(
        self,
        command: Sequence[str],
        names: Iterable[str],
        *,
        timeout: timedelta,
        check_cancelled: CheckCancelled,
        limits: GitLimits | None = None,
        traced: Mapping[str, str] | None = None,
    ) -> GitResult:
        with self._route.passage() as passage:
            return run_transport(
                self._git_dir,
                [*command, "--end-of-options", passage.source, *names],
                timeout=timeout,
                limits=limits or self._limits,
                passage=replace(passage, environment={**passage.environment, **(traced or {})}),
                check_cancelled=check_cancelled,
            )
