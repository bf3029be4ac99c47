import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from uuid import UUID, uuid4

import pygit2

from models.errors import EnvironmentUnreachable
from services.repositories.git import CHECK_INTERVAL, CheckCancelled
from services.repositories.tree_objects import DAMAGED

_POLL = timedelta(milliseconds=10)
_STATE = "operationrun-fetches"


class MirrorDirectory:
    """The bare repository of one environment: created whole or not at all, written under one lock.

    `path` is a link to it. A recreated repository is another directory under another name, because libgit2
    identifies a pack by its path for as long as the process has it open.

    `source` is where the mirror is fetched from. The directory keeps how many fetches began, and which of
    them succeeded from where, so that callers who wait for each other need not all fetch.
    """

    def __init__(self, root: Path, environment_id: UUID, source: str) -> None:
        self.path = root / f"{environment_id}.git"
        self._new_link = root / f"{environment_id}.new"
        self._lock = root / f"{environment_id}.lock"
        self._source = hashlib.sha256(source.encode()).hexdigest()[:32]

    @contextlib.contextmanager
    def locked(self, *, timeout: timedelta, check_cancelled: CheckCancelled) -> Iterator[None]:
        """Hold the mirror against other threads and processes; a process that dies releases it.

        Raises EnvironmentUnreachable where another holds it past the time limit.
        """
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._wait_for(descriptor, timeout, check_cancelled)
            yield
        finally:
            os.close(descriptor)

    def _wait_for(self, descriptor: int, timeout: timedelta, check_cancelled: CheckCancelled) -> None:
        ends_at = monotonic() + timeout.total_seconds()
        checks_at = monotonic() + CHECK_INTERVAL.total_seconds()
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if monotonic() >= ends_at:
                    raise EnvironmentUnreachable(
                        "Another fetch from the environment's repository did not end in time."
                    ) from None
                if monotonic() >= checks_at:
                    checks_at = monotonic() + CHECK_INTERVAL.total_seconds()
                    check_cancelled()
                sleep(_POLL.total_seconds())
            else:
                return

    def is_damaged(self) -> bool:
        """Return whether a reader found the mirror damaged; the next fetch recreates it."""
        return (self.path / DAMAGED).exists()

    def is_sound(self) -> bool:
        """Return whether no reader found the mirror damaged, and each of its refs leads to an object."""
        if not self.path.is_symlink() or self.is_damaged():
            return False
        try:
            repository = pygit2.Repository(str(self.path))
            for reference in repository.references.objects:
                repository.odb.read_header(reference.target)
        except (KeyError, ValueError, pygit2.GitError):
            return False
        return repository.is_bare

    def recreate(self) -> None:
        """Put an empty bare repository in place, in one step; needs the lock."""
        new = self.path.with_name(f"{self.path.name}.{uuid4().hex}")
        pygit2.init_repository(str(new), bare=True, initial_head="main")
        self._new_link.unlink(missing_ok=True)
        self._new_link.symlink_to(new.name)
        if not self.path.is_symlink():
            shutil.rmtree(self.path, ignore_errors=True)
        self._new_link.replace(self.path)
        for other in self.path.parent.glob(f"{self.path.name}.*"):
            if other != new:
                shutil.rmtree(other, ignore_errors=True)

    def generation(self) -> str:
        """Return the name of the mirror's present directory; raise OSError where it has none."""
        return str(self.path.readlink())

    def clear_leftovers(self) -> None:
        """Remove the locks and half-written packs of a git that was killed; needs the lock."""
        for pattern in ("*.lock", "refs/**/*.lock", "objects/**/tmp_*"):
            for leftover in self.path.glob(pattern):
                leftover.unlink(missing_ok=True)

    def size(self) -> int:
        """Return the size of the packs in bytes, half-received ones included."""
        total = 0
        for pack in (self.path / "objects" / "pack").glob("*"):
            with contextlib.suppress(FileNotFoundError):
                total += pack.stat().st_size
        return total

    def fetches_begun(self) -> int:
        """Return the number of the last fetch that began; 0 before the first."""
        return self._state()[0]

    def begin_fetch(self) -> int:
        """Record that a fetch begins and return its number; needs the lock."""
        begun, ended, source = self._state()
        self._write_state(begun + 1, ended, source)
        return begun + 1

    def end_fetch(self, number: int) -> None:
        """Record that a fetch succeeded; needs the lock."""
        self._write_state(number, number, self._source)

    def holds_fetch_after(self, number: int) -> bool:
        """Return whether a fetch that began after the given one succeeded, from the present source."""
        _, ended, source = self._state()
        return ended > number and source == self._source

    def holds_source(self) -> bool:
        """Return whether the refs are those of the present source."""
        return self._state()[2] == self._source

    def _state(self) -> tuple[int, int, str]:
        try:
            begun, ended, source = str((self.path / _STATE).readlink()).split()
            return int(begun), int(ended), source
        except (OSError, ValueError):
            return 0, 0, ""

    def _write_state(self, begun: int, ended: int, source: str) -> None:
        # A dangling link keeps its text in the inode: no block of a file has to reach the disk.
        new = self.path / f"{_STATE}.new"
        new.unlink(missing_ok=True)
        new.symlink_to(f"{begun} {ended} {source or '-'}")
        new.replace(self.path / _STATE)
