import threading
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from time import monotonic
from uuid import UUID

import pygit2
from pygit2.enums import ConfigLevel

from models.errors import EnvironmentUnreachable, RefNotFound, RepositoryError, RepositoryTooLarge
from services.repositories.git import (
    CheckCancelled,
    GitOutputTooLarge,
    GitResult,
    GitTimedOut,
    never_cancelled,
)
from services.repositories.locations import check_branch, check_ref, locate
from services.repositories.mirror_directory import MirrorDirectory
from services.repositories.refs import COMMIT_LENGTH, commit_at, commit_of_abbreviation, commit_of_name
from services.repositories.transport import DEFAULT_LIMITS, GitLimits, judge_push, run_local, run_transport

_MOST_PACKS = 50
_NOT_FETCHED = "The mirror holds nothing of the environment's repository yet. The next attempt fetches it."
# What a remote says of one name.
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
_ALL_REFS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_PUSH = (
    # What came as a delta is handed on as one; looking for more takes longer than sending files of this size.
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


class Mirror:
    """A bare mirror of one environment's repository: fetched into, read by objects, pushed from.

    May be shared between threads; each gets a pygit2.Repository of its own.
    """

    def __init__(self, directory: MirrorDirectory, source: str, limits: GitLimits) -> None:
        self.path = directory.path
        self.limits = limits
        self._directory = directory
        self._source = source
        self._opened = threading.local()

    @property
    def repository(self) -> pygit2.Repository:
        """Return this thread's view of the mirror's objects; an empty one before the first fetch.

        Raises RepositoryError where the mirror cannot be opened; the next fetch makes it anew.
        """
        if not self.path.exists():
            with self._directory.locked(timeout=self.limits.fetch_timeout, check_cancelled=never_cancelled):
                if not self.path.exists():
                    self._directory.make_anew()
        try:
            generation = self._directory.generation()
            if getattr(self._opened, "generation", None) != generation:
                self._opened.repository = pygit2.Repository(str(self.path))
                self._opened.generation = generation
        except (OSError, pygit2.GitError):
            raise RepositoryError("The mirror cannot be opened. Its next fetch makes it anew.") from None
        opened: pygit2.Repository = self._opened.repository
        return opened

    def is_damaged(self) -> bool:
        """Tell whether somebody who read the mirror found it damaged; the next fetch makes it anew."""
        return self._directory.is_damaged()

    def fetch(self, check_cancelled: CheckCancelled = never_cancelled) -> None:
        """Bring all branches and tags to where the remote has them.

        1. Fetches of one mirror take turns. A caller who waited for a fetch that began after it asked has
           what it wanted, and does not fetch again.
        2. A mirror that is missing, half-made or damaged is made anew first.
        3. So is one that turns out damaged in the fetch, once.

        Raises EnvironmentUnreachable, also where the time limit passes, and RepositoryTooLarge.
        """
        ends_at = monotonic() + self.limits.fetch_timeout.total_seconds()
        begun_before = self._directory.fetches_begun()
        with self._directory.locked(timeout=self.limits.fetch_timeout, check_cancelled=check_cancelled):
            sound = self._directory.is_sound()
            if sound and self._directory.holds_fetch_after(begun_before):
                return
            if not sound:
                self._directory.make_anew()
            result = self._fetch_all(ends_at, check_cancelled)
            # A fetch that went well has nothing to say.
            if (result.exit_code != 0 or result.stderr) and not self._holds_together():
                self._directory.make_anew()
                result = self._fetch_all(ends_at, check_cancelled)
            _check_reached(result)
            self._check_size()
            self._pack()

    def head_of(self, branch: str, check_cancelled: CheckCancelled = never_cancelled) -> str | None:
        """Return the commit that the remote has a branch at, and have it in the mirror.

        None: the remote has no such branch. The remote itself is asked, and fetched from only where the
        mirror lacks the commit. Raises as `fetch` does.
        """
        name = f"refs/heads/{check_branch(branch)}"
        arguments = ["ls-remote", "--quiet", "--end-of-options", self._source, name]
        try:
            result = run_transport(
                self.path,
                arguments,
                timeout=self.limits.fetch_timeout,
                limits=_SHORT_ANSWER,
                check_cancelled=check_cancelled,
            )
        except GitTimedOut:
            raise self._silent() from None
        except GitOutputTooLarge:
            raise EnvironmentUnreachable("The environment's repository names too much at once.") from None
        _check_reached(result)
        lines = (line.split("\t") for line in result.stdout.decode("utf-8", "replace").splitlines())
        head = next((oid for oid, *told in lines if told == [name]), None)
        if head is None:
            return None
        try:
            self.ensure([head], check_cancelled)
        except RefNotFound:
            raise EnvironmentUnreachable("The environment's branch moved while it was fetched.") from None
        return head

    def _fetch_all(self, ends_at: float, check_cancelled: CheckCancelled) -> GitResult:
        number = self._directory.begin_fetch()
        result = self._run_fetch(
            ["--prune", "--end-of-options", self._source, *_ALL_REFS], ends_at, check_cancelled
        )
        if result.exit_code == 0:
            self._directory.end_fetch(number)
        return result

    def _holds_together(self) -> bool:
        """Tell whether git itself reads every ref and its object without complaint."""
        result = run_local(self.path, ["for-each-ref", "--format=%(objecttype)"], limits=self.limits)
        return self._directory.is_sound() and result.exit_code == 0 and not result.stderr

    def _run_fetch(
        self, arguments: Sequence[str], ends_at: float, check_cancelled: CheckCancelled
    ) -> GitResult:
        def watch() -> None:
            self._check_size()
            check_cancelled()

        timeout = timedelta(seconds=max(0.0, ends_at - monotonic()))
        # What a killed git leaves behind would stop the next one, or fill the disk.
        self._directory.clear_leftovers()
        try:
            return run_transport(
                self.path, [*_FETCH, *arguments], timeout=timeout, limits=self.limits, check_cancelled=watch
            )
        except GitTimedOut:
            self._directory.clear_leftovers()
            raise self._silent() from None
        except BaseException:
            self._directory.clear_leftovers()
            raise

    def _silent(self) -> EnvironmentUnreachable:
        limit = _seconds(self.limits.fetch_timeout)
        return EnvironmentUnreachable(f"The environment's repository did not answer within {limit}.")

    def _check_size(self) -> None:
        if self._directory.size() > self.limits.max_repository_bytes:
            raise RepositoryTooLarge(
                f"The repository takes more than {self.limits.max_repository_bytes:,} bytes."
            )

    def _pack(self) -> None:
        """Roll the packs of many fetches into few; no object is dropped, as a restore point may need it."""
        if len(list(self.path.glob("objects/pack/*.pack"))) > _MOST_PACKS:
            run_local(self.path, ["repack", "--geometric=2", "-d", "-q"], limits=self.limits)

    def ensure(self, commits: Iterable[str], check_cancelled: CheckCancelled = never_cancelled) -> None:
        """Have these commits (whole ids) in the mirror, fetching only if one is missing.

        A commit no branch or tag leads to any more is asked for by its id, which many servers answer.
        Raises RefNotFound for one that is not to be had, and what fetch raises.
        """
        wanted = list(dict.fromkeys(commits))
        if not self._missing(wanted):
            return
        self.fetch(check_cancelled)
        for commit in self._missing(wanted):
            self._fetch_commit(commit, check_cancelled)
        for commit in self._missing(wanted):
            raise RefNotFound(commit)

    def _fetch_commit(self, commit: str, check_cancelled: CheckCancelled) -> None:
        if len(commit) != COMMIT_LENGTH:
            raise RefNotFound(commit)
        ends_at = monotonic() + self.limits.fetch_timeout.total_seconds()
        with self._directory.locked(timeout=self.limits.fetch_timeout, check_cancelled=check_cancelled):
            self._run_fetch(["--end-of-options", self._source, check_ref(commit)], ends_at, check_cancelled)

    def holds(self, commit: str) -> bool:
        """Tell whether a commit (whole id) is here, in a mirror that nobody found damaged."""
        try:
            return not self.is_damaged() and commit_at(self.repository, commit) is not None
        except RepositoryError:
            return False

    def _missing(self, commits: Iterable[str]) -> list[str]:
        return [commit for commit in commits if not self.holds(commit)]

    def resolve(self, ref: str) -> str:
        """Return the commit of a branch, else a tag, a full ref, or a commit id or its unique beginning.

        Reads what the last fetch brought. Raises RefNotFound, also for a tag of what is no commit,
        RepositoryError where nothing was fetched, and InvalidInput as check_ref does.
        """
        check_ref(ref)
        repository = self.repository
        found = commit_of_name(repository, ref) if self._directory.holds_source() else None
        if found is None and len(ref) == COMMIT_LENGTH:
            found = commit_at(repository, ref)
        elif found is None and ref.isalnum():
            found = commit_of_abbreviation(self.path, ref, limits=self.limits)
        if found is None:
            # One that is made anew at this moment, or never was fetched, tells nothing of what there is.
            raise RefNotFound(ref) if self._directory.holds_source() else RepositoryError(_NOT_FETCHED)
        return found

    def push(
        self, *, commit: str, branch: str, expected: str, check_cancelled: CheckCancelled = never_cancelled
    ) -> None:
        """Move the remote's branch from `expected` to `commit`, its descendant, or not at all.

        Pushing a commit that the branch is at already succeeds. Raises PushRaced where the branch is not at
        `expected` any more, PushRefused with the remote's words where it says no, and
        EnvironmentUnreachable where no answer came: then only a look at the branch tells what happened.
        RefNotFound: the mirror lacks one of the two commits.
        """
        name = f"refs/heads/{check_branch(branch)}"
        self._check_descent(commit, expected)
        lease = f"--force-with-lease={name}:{expected}"
        try:
            result = run_transport(
                self.path,
                [*_PUSH, lease, "--end-of-options", self._source, f"{commit}:{name}"],
                timeout=self.limits.push_timeout,
                limits=self.limits,
                check_cancelled=check_cancelled,
            )
        except GitTimedOut:
            limit = _seconds(self.limits.push_timeout)
            raise EnvironmentUnreachable(
                f"The environment's repository did not answer the push within {limit}."
            ) from None
        judge_push(result)

    def _check_descent(self, commit: str, expected: str) -> None:
        for oid in (commit, expected):
            if commit_at(self.repository, oid) != oid:
                raise RefNotFound(oid)
        # A lease alone would let git overwrite the branch with a history that lacks what it has now.
        if not self.repository.descendant_of(commit, expected):
            raise ValueError(f"{commit} does not descend from {expected}")


class MirrorStore:
    """The mirrors under one directory, one per environment; nothing is made before it is asked for."""

    def __init__(
        self, root: Path, *, allowed_file_roots: Sequence[Path], limits: GitLimits = DEFAULT_LIMITS
    ) -> None:
        self._root = root.absolute()
        self._allowed_file_roots = tuple(allowed_file_roots)
        self._limits = limits
        # For this process: the mirrors are our own, and what a user configured for theirs is not for them.
        pygit2.settings.owner_validation = False
        for level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
            pygit2.settings.search_path[level] = ""

    def open(self, environment_id: UUID, repository_url: str) -> Mirror:
        """Return the mirror of an environment; raise InvalidInput where its URL is not allowed (any more)."""
        source = locate(repository_url, allowed_file_roots=self._allowed_file_roots)
        return Mirror(MirrorDirectory(self._root, environment_id, source), source, self._limits)


def _check_reached(result: GitResult) -> None:
    if result.exit_code != 0:
        raise EnvironmentUnreachable(f"The environment's repository could not be reached: {result.stderr}")


def _seconds(limit: timedelta) -> str:
    return f"{limit.total_seconds():g} seconds"
