import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from time import monotonic
from uuid import UUID

import pygit2
from pygit2.enums import ConfigLevel

from models.errors import EnvironmentUnreachable, RefNotFound, RepositoryError, RepositoryTooLarge
from services.repositories.git import CheckCancelled, GitResult, never_cancelled
from services.repositories.mirror_directory import MirrorDirectory
from services.repositories.push_answer import PushAnswer
from services.repositories.refs import (
    COMMIT_LENGTH,
    branch_ref,
    check_ref,
    commit_at,
    commit_of_id,
    commit_of_name,
)
from services.repositories.remote import ALL_REFS, RefUpdate, Remote
from services.repositories.routing.addresses import AllowedHosts
from services.repositories.routing.remote_access import RemoteAccess
from services.repositories.routing.routes import Route, route_to
from services.repositories.slots import FairWaits
from services.repositories.transport import DEFAULT_LIMITS, GitLimits, run_local

_MOST_PACKS = 50
_NOT_FETCHED = "The mirror holds nothing of the environment's repository yet. The next attempt fetches it."


class Mirror:
    """A bare mirror of one environment's repository: fetched into, read by objects, pushed from.

    Threads may share it; each gets a pygit2.Repository of its own.
    """

    def __init__(
        self, directory: MirrorDirectory, route: Route, limits: GitLimits, waits: FairWaits | None = None
    ) -> None:
        self.path = directory.path
        self.limits = limits
        self._directory = directory
        self._waits = waits
        self._remote = Remote(directory.path, route, limits)
        self._opened = threading.local()

    @property
    def repository(self) -> pygit2.Repository:
        """Return this thread's view of the mirror's objects; an empty one before the first fetch.

        Raises RepositoryError where the mirror cannot be opened; the next fetch recreates it.
        """
        if not self.path.exists():
            with self._locked(never_cancelled):
                if not self.path.exists():
                    self._directory.recreate()
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
        """Return whether a reader found the mirror damaged; the next fetch recreates it."""
        return self._directory.is_damaged()

    def fetch(self, check_cancelled: CheckCancelled = never_cancelled) -> None:
        """Bring all branches and tags to where the remote has them.

        1. Fetches of one mirror take turns. A caller that waited for a fetch which began after its own call
           has what it wanted, and does not fetch again.
        2. A mirror that is missing, incomplete or damaged is recreated first.
        3. A mirror that turns out damaged during the fetch is recreated once.

        Raises EnvironmentUnreachable, also where the time limit passes, RepositoryTooLarge,
        RepositoryDamaged, and TooManyFetches where too many of the workspace's repositories are slow.
        """
        with self._waiting(check_cancelled) as check:
            self._fetch(check)

    def _fetch(self, check_cancelled: CheckCancelled) -> None:
        ends_at = monotonic() + self.limits.fetch_timeout.total_seconds()
        begun_before = self._directory.fetches_begun()
        with self._locked(check_cancelled):
            sound = self._directory.is_sound()
            if sound and self._directory.holds_fetch_after(begun_before):
                return
            if not sound:
                self._directory.recreate()
            result = self._fetch_all(ends_at, check_cancelled)
            # A successful fetch writes nothing to stderr.
            if (result.exit_code != 0 or result.stderr) and not self._holds_together():
                self._directory.recreate()
                result = self._fetch_all(ends_at, check_cancelled)
            self._remote.check_reached(result)
            self._check_size()
            self._pack()

    def head_of(self, branch: str, check_cancelled: CheckCancelled = never_cancelled) -> str | None:
        """Ask the remote for the commit of a branch, and have that commit in the mirror.

        None where the remote has no such branch. Fetches only if the mirror lacks the commit. Raises
        InvalidInput for an invalid branch name, and as `fetch` does.
        """
        ref = branch_ref(branch)
        head = self.read_refs([ref], check_cancelled).get(ref)
        if head is None:
            return None
        try:
            self.ensure([head], check_cancelled)
        except RefNotFound:
            raise EnvironmentUnreachable("The environment's branch moved while it was fetched.") from None
        return head

    def read_refs(
        self, refs: Collection[str], check_cancelled: CheckCancelled = never_cancelled
    ) -> Mapping[str, str]:
        """Ask the remote for the objects of full refs, without those that it lacks or hides.

        Raises EnvironmentUnreachable, and TooManyFetches as `fetch` does.
        """
        with self._waiting(check_cancelled) as check:
            return self._remote.read(refs, check)

    def _waiting(self, check_cancelled: CheckCancelled) -> AbstractContextManager[CheckCancelled]:
        return self._waits.waiting(check_cancelled) if self._waits else nullcontext(check_cancelled)

    def ask(self, check_cancelled: CheckCancelled = never_cancelled) -> None:
        """Ask the remote for a ref, to see whether it answers; raise EnvironmentUnreachable."""
        # Git asks from within a repository, which an environment that was never fetched does not have yet.
        _ = self.repository
        self.read_refs(["HEAD"], check_cancelled)

    def _locked(self, check_cancelled: CheckCancelled) -> AbstractContextManager[None]:
        return self._directory.locked(timeout=self.limits.fetch_timeout, check_cancelled=check_cancelled)

    def _fetch_all(self, ends_at: float, check_cancelled: CheckCancelled) -> GitResult:
        number = self._directory.begin_fetch()
        result = self._run_fetch(ALL_REFS, ends_at, check_cancelled, prune=True)
        if result.exit_code == 0:
            self._directory.end_fetch(number)
        return result

    def _holds_together(self) -> bool:
        """Return whether git reads every ref and its object without an error."""
        result = run_local(self.path, ["for-each-ref", "--format=%(objecttype)"], limits=self.limits)
        return self._directory.is_sound() and result.exit_code == 0 and not result.stderr

    def _run_fetch(
        self, refspecs: Sequence[str], ends_at: float, check_cancelled: CheckCancelled, *, prune: bool
    ) -> GitResult:
        def watch() -> None:
            self._check_size()
            check_cancelled()

        timeout = timedelta(seconds=max(0.0, ends_at - monotonic()))
        # The leftovers of a killed git would stop the next one, or fill the disk.
        self._directory.clear_leftovers()
        try:
            return self._remote.fetch(refspecs, prune=prune, timeout=timeout, check_cancelled=watch)
        except BaseException:
            self._directory.clear_leftovers()
            raise

    def _check_size(self) -> None:
        if self._directory.size() > self.limits.max_repository_bytes:
            raise RepositoryTooLarge(
                f"The repository takes more than {self.limits.max_repository_bytes:,} bytes."
            )

    def _pack(self) -> None:
        """Merge the packs of many fetches; drop no object, because a restore point may need it."""
        if len(list(self.path.glob("objects/pack/*.pack"))) > _MOST_PACKS:
            run_local(self.path, ["repack", "--geometric=2", "-d", "-q"], limits=self.limits)

    def ensure(self, commits: Iterable[str], check_cancelled: CheckCancelled = never_cancelled) -> None:
        """Have these commits (whole ids) in the mirror, fetching only if one is missing.

        A commit that no branch or tag reaches any more is fetched by its id, which many servers allow.
        Raises RefNotFound for a commit that the remote does not provide, and what fetch raises.
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
        with self._waiting(check_cancelled) as check, self._locked(check):
            self._run_fetch([check_ref(commit)], ends_at, check, prune=False)

    def holds(self, commit: str) -> bool:
        """Return whether the mirror is undamaged and has a commit (whole id)."""
        try:
            return not self.is_damaged() and commit_at(self.repository, commit) is not None
        except RepositoryError:
            return False

    def _missing(self, commits: Iterable[str]) -> list[str]:
        return [commit for commit in commits if not self.holds(commit)]

    def resolve(self, ref: str) -> str:
        """Return the commit of a branch, else a tag, a full ref, or a commit id or its unique beginning.

        Reads the refs of the last fetch. Raises RefNotFound, also for a tag that leads to no commit,
        RepositoryError before the first fetch, and InvalidInput as check_ref does.
        """
        check_ref(ref)
        repository = self.repository
        found = commit_of_name(repository, ref) if self._directory.holds_source() else None
        found = found or commit_of_id(repository, ref, limits=self.limits)
        if found is None:
            # A mirror that was never fetched, or is being recreated, proves nothing about the remote.
            raise RefNotFound(ref) if self._directory.holds_source() else RepositoryError(_NOT_FETCHED)
        return found

    def push(
        self, updates: Sequence[RefUpdate], *, check_cancelled: CheckCancelled = never_cancelled
    ) -> PushAnswer:
        """Move refs of the remote from their expected objects, all or none; return what it answered.

        Raises RefNotFound where the mirror lacks an object, and ValueError for a branch that would lose
        commits: a lease alone would let git replace its history with another one.
        """
        for update in updates:
            self._check_objects(update)
        return self._remote.push(updates, check_cancelled=check_cancelled)

    def _check_objects(self, update: RefUpdate) -> None:
        is_branch = update.ref.startswith("refs/heads/")
        for oid in (update.new, update.expected if is_branch else None):
            if oid is not None and commit_at(self.repository, oid) != oid:
                raise RefNotFound(oid)
        if is_branch and update.expected and not self._descends(update.new, update.expected):
            raise ValueError(f"{update.new} does not descend from {update.expected}")

    def _descends(self, commit: str | None, ancestor: str) -> bool:
        if commit is None:
            return False
        # By git: libgit2 ends at the first commit whose signature is odd.
        arguments = ["merge-base", "--is-ancestor", "--end-of-options", ancestor, commit]
        return run_local(self.path, arguments, limits=self.limits).exit_code == 0


class MirrorStore:
    """The mirrors under one directory, one per environment, each created at its first use.

    `allowed_private_hosts`: names, addresses and networks that accesses may reach though they are private.
    `waits`: what keeps one workspace's slow repositories from holding up the process; None: nothing.
    """

    def __init__(
        self,
        root: Path,
        *,
        allowed_file_roots: Sequence[Path],
        allowed_private_hosts: Sequence[str] = (),
        limits: GitLimits = DEFAULT_LIMITS,
        waits: FairWaits | None = None,
    ) -> None:
        self._root = root.absolute()
        self._allowed_file_roots = tuple(allowed_file_roots)
        self._allowed_hosts = AllowedHosts(allowed_private_hosts)
        self._limits = limits
        self._waits = waits
        # For the whole process: it reads its own mirrors only, and no user's configuration applies to them.
        pygit2.settings.owner_validation = False
        for level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
            pygit2.settings.search_path[level] = ""

    def open(self, environment_id: UUID, repository_url: str, access: RemoteAccess) -> Mirror:
        """Return the mirror of an environment, whose git calls use an access and nothing else (law L12).

        Raises InvalidInput where the URL is no longer allowed, or the access is for another.
        """
        route = route_to(
            repository_url,
            access,
            allowed_file_roots=self._allowed_file_roots,
            allowed_hosts=self._allowed_hosts,
        )
        directory = MirrorDirectory(self._root, environment_id, route.source)
        return Mirror(directory, route, self._limits, self._waits)
