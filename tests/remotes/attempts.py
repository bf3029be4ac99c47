"""Attempts at one restore, each a worker's process of its own, so that a kill is a kill."""

import multiprocessing
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from models.contracts.restore_execute import RestoreExecuteInput
from models.correlation import Correlation
from models.errors import OperationRunError
from services.database.session import Database
from services.repositories.git import never_cancelled
from services.repositories.transport import GitLimits
from services.restores.execution import RestoreExecution
from tests.factories import EXECUTION
from tests.mirrors import mirrors_under
from tests.remotes.clients import kill_alone, kill_with_group, pushing

# A process of this kind starts in milliseconds, and inherits no thread of the tests' servers.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])
# A killed git's children keep its pipes open: its worker waits for as long as a push may take.
LIMITS = GitLimits(
    push_timeout=timedelta(seconds=10),
    ticket_timeout=timedelta(seconds=10),
    fetch_timeout=timedelta(seconds=20),
)


@dataclass(frozen=True, kw_only=True)
class Work:
    """All that a worker needs to apply one restore; `dies_at` names the fault point where it ends itself."""

    database_url: str
    mirrors: Path
    file_root: Path
    environment: Mapping[str, str]
    correlation: Correlation
    operation_input: RestoreExecuteInput
    dies_at: str = ""


class Attempt:
    """A worker that applies a restore once."""

    def __init__(self, work: Work, url: str) -> None:
        self._url = url
        self._said, said = _PROCESSES.Pipe(duplex=False)
        self._process = _PROCESSES.Process(target=_apply, args=(work, said), daemon=True)
        self._process.start()
        said.close()

    def end(self) -> str:
        """Wait for the worker's end; return the run's outcome, an error's name, or "" for a killed worker."""
        said = ""
        with suppress(EOFError):
            said = str(self._said.recv())
        self._process.join(timeout=60)
        return said

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def git(self) -> int | None:
        """Return the process of the push under way; None between pushes."""
        assert self._process.pid
        return next(iter(pushing(self._url, of=self._process.pid)), None)

    def join(self) -> None:
        self._process.join()

    def kill_git(self) -> None:
        """Kill the worker's git alone, if it pushes, and leave the worker to what it makes of that."""
        git = self.git()
        if git is not None:
            kill_alone(git)

    def kill(self) -> None:
        """Kill the worker; the kernel kills its git, and leaves git's children alone."""
        self._process.kill()
        self._process.join()

    def kill_with_group(self) -> None:
        """Kill the worker's git with its children, then the worker."""
        git = self.git()
        self._process.kill()
        if git is not None:
            kill_with_group(git)
        self._process.join()

    def close(self) -> None:
        """Kill the worker if it still works, and forget it."""
        self.kill()
        self._said.close()
        self._process.close()


def _apply(work: Work, said: Connection) -> None:
    os.environ.update(work.environment)
    database = Database.connect(work.database_url)
    mirrors = mirrors_under(work.mirrors, roots=[work.file_root], limits=LIMITS)
    execution = RestoreExecution(database, mirrors, fault_hook=_dying_at(work.dies_at))
    try:
        result = execution.apply(
            work.correlation,
            work.operation_input,
            workflow_run_id=EXECUTION,
            check_cancelled=never_cancelled,
        )
        said.send(str(result.outcome) if result else "undecided")
    except OperationRunError as error:
        said.send(type(error).__name__)


def _dying_at(point: str) -> Callable[[str], None]:
    def fault_hook(name: str) -> None:
        if name == point:
            os._exit(1)

    return fault_hook
