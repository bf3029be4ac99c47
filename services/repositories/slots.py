from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from datetime import timedelta
from threading import Lock
from time import monotonic
from typing import Final
from uuid import UUID

from models.errors import TooManyFetches
from services.repositories.git import CheckCancelled

_workspace: ContextVar[UUID | None] = ContextVar("workspace", default=None)

# A repository that answers within this time needs no slot.
_PATIENCE: Final = timedelta(seconds=2)


class WorkspaceSlots:
    """Slots of this process, of which one workspace holds a few at most: it cannot take another's (law L13).

    `total` None: no more than `each` for a workspace, for any number of workspaces.
    """

    def __init__(self, *, each: int, total: int | None = None) -> None:
        self._each = each
        self._total = total
        self._lock = Lock()
        self._held = Counter[UUID]()

    def take(self, workspace_id: UUID) -> None:
        """Take a slot; raise TooManyFetches where the workspace, or all together, may hold no more."""
        with self._lock:
            is_full = self._total is not None and self._held.total() >= self._total
            if is_full or self._held[workspace_id] >= self._each:
                raise TooManyFetches
            self._held[workspace_id] += 1

    def give_back(self, workspace_id: UUID) -> None:
        """Give a slot back."""
        with self._lock:
            self._held[workspace_id] -= 1
            self._held += Counter()

    def is_full_for(self, workspace_id: UUID) -> bool:
        """Return whether a workspace holds as many slots as it may."""
        with self._lock:
            return self._held[workspace_id] >= self._each

    @contextmanager
    def hold(self, workspace_id: UUID) -> Iterator[None]:
        """Hold a slot in the block; raise as `take` does."""
        self.take(workspace_id)
        try:
            yield
        finally:
            self.give_back(workspace_id)


@contextmanager
def working_for(workspace_id: UUID) -> Iterator[None]:
    """Count the fetches of the block, in this thread, for a workspace."""
    token = _workspace.set(workspace_id)
    try:
        yield
    finally:
        _workspace.reset(token)


class FairWaits:
    """Bounds how many threads of this process wait for the slow repositories of one workspace.

    A wait that grows long takes one of the workspace's slots, or ends as TooManyFetches and is tried again
    later. While they are all taken, as many again may find out whether their repository answers at once.
    Work for no workspace in particular is not counted.
    """

    def __init__(self, *, each: int, patience: timedelta = _PATIENCE) -> None:
        self._patience = patience
        self._long = WorkspaceSlots(each=each)
        self._trials = WorkspaceSlots(each=each)

    @contextmanager
    def waiting(self, check_cancelled: CheckCancelled) -> Iterator[CheckCancelled]:
        """Lend a check for the time of one wait, which raises TooManyFetches where it may last no longer."""
        workspace_id = _workspace.get()
        if workspace_id is None:
            yield check_cancelled
            return
        turns_long_at = monotonic() + self._patience.total_seconds()
        is_long = False

        def check() -> None:
            nonlocal is_long
            if not is_long and monotonic() >= turns_long_at:
                self._long.take(workspace_id)
                is_long = True
            check_cancelled()

        is_trial = self._long.is_full_for(workspace_id)
        with self._trials.hold(workspace_id) if is_trial else nullcontext():
            try:
                yield check
            finally:
                if is_long:
                    self._long.give_back(workspace_id)
