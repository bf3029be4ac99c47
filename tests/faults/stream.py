import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from random import Random

import pytest

from tests.faults.operations import RELEASE, workflow_id_of
from tests.git_repository import GitRepository
from tests.slow_remotes import TO_A_BRANCH
from tests.system import Json, System
from tests.temporal_cli import TemporalCli

# Fewer leave a machine more time for the faults themselves.
DRIVERS = int(os.environ.get("FAULT_DRIVERS", "5"))
# Kills in quick succession leave a run little time to get on.
ENDS_WITHIN = 180.0


class Stream:
    """Restores and composes on several environments, one after the other on each, until it is closed."""

    def __init__(self, system: System, random: Random) -> None:
        self._system = system
        self._over = threading.Event()
        self._runs: list[Json] = []
        self._drivers: list[Future[None]] = []
        self._held = system.repositories / "pushes-are-held"
        self._randoms = [Random(random.getrandbits(32)) for _ in range(DRIVERS)]  # noqa: S311 - not secrecy

    @contextmanager
    def flowing(self) -> Iterator["Stream"]:
        """Keep the stream going for as long as the block lasts, then see every operation to its end."""
        with ThreadPoolExecutor(DRIVERS) as pool:
            self._drivers = [pool.submit(self._drive, random) for random in self._randoms]
            try:
                yield self
            finally:
                self._over.set()
            for driver in self._drivers:
                driver.result()

    def hold(self) -> None:
        """Let every push to a branch wait at its remote from now on."""
        self._held.touch()

    def let_go(self) -> None:
        """Let the pushes go on."""
        self._held.unlink(missing_ok=True)

    @property
    def runs(self) -> list[Json]:
        return list(self._runs)

    def under_way(self) -> list[Json]:
        """Return the runs that have not ended; fail as a driver did, where one has."""
        for driver in self._drivers:
            if driver.done():
                driver.result()
        return [
            run
            for status in ("queued", "running")
            for run in self._system.get("/operations", workspace="default", status=status, limit="100")[
                "items"
            ]
        ]

    def _drive(self, random: Random) -> None:
        repository = self._system.repository({"a.conf": "0", "b.conf": "0"})
        repository.tag(RELEASE)
        repository.hook(
            "pre-receive", f"if {TO_A_BRANCH}; then while [ -e {self._held} ]; do sleep 0.05; done; fi"
        )
        environment = self._system.environment(repository.url)
        number = 0
        while not self._over.is_set():
            number += 1
            begun = [self._restore, self._compose, self._compose_twice][random.randrange(3)](
                repository, environment, number
            )
            self._runs += begun
            for run in begun:
                self._see_to_its_end(run)

    def _see_to_its_end(self, run: Json) -> None:
        try:
            self._system.settled(run, patience=ENDS_WITHIN)
        except pytest.fail.Exception:
            workflow = TemporalCli(self._system)(
                "workflow", "describe", "--workflow-id", workflow_id_of(run), check=False
            )
            print(self._system.get(f"/operations/{run['id']}"), workflow)  # noqa: T201 - why it did not end
            raise

    def _restore(self, repository: GitRepository, environment: Json, number: int) -> list[Json]:
        repository.commit({"a.conf": str(number)})
        plan = self._system.plan(environment, RELEASE)
        return [self._system.restore(environment, plan)]

    def _compose(self, repository: GitRepository, environment: Json, number: int) -> list[Json]:
        repository.commit({"b.conf": str(number)})
        return [self._system.compose(environment)]

    def _compose_twice(self, repository: GitRepository, environment: Json, number: int) -> list[Json]:
        """Two runs of one fingerprint at the same time."""
        repository.commit({"b.conf": str(number)})
        repository.tag(f"state-{number}")
        return [self._system.compose(environment), self._system.compose(environment, f"state-{number}")]
