"""Small operations against a bare workflow of three no-op activities, on the same Temporal server.

Ours is a whole run: record the request, dispatch it, fetch the repository, compose a review of a few files
and complete the run. Each side has one worker process, and the sides take turns, so that other work on the
machine disturbs both.
"""

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Protocol
from uuid import uuid4

import psutil
from sqlalchemy import select
from temporalio.client import Client
from temporalio.envconfig import ClientConfigProfile

from bench.bare_worker import QUEUE
from bench.report import at_least, at_most, milliseconds, write
from models.access import Workspace
from models.actor import Actor
from models.catalog import OperationType
from models.correlation import Correlation
from models.environment import Environment
from runtime.container import build_services
from runtime.local.own_program import own_argv, own_environment
from runtime.settings import Settings
from runtime.temporal.client import TemporalConnection
from services.workspaces.environments import Environments
from tests.git_repository import GitRepository
from tests.system import System, up
from web.context import Services

SEQUENTIAL, AT_ONCE, ROUNDS, STARTERS = 20, 300, 3, 16
PATIENCE = timedelta(minutes=5)
BENCH = Actor(kind="system", name="bench")
COMPOSE = OperationType.ENVIRONMENT_REVIEW_COMPOSE

Start = Callable[[], str]


class Side(Protocol):
    """Ours or the floor: makes functions that each start one operation and return its workflow id."""

    worker: psutil.Process

    def batch(self, size: int) -> Sequence[Start]: ...


class Ours:
    """Composes reviews; each batch takes the next release, which no environment has a review of yet."""

    def __init__(
        self, services: Services, environments: Sequence[Environment], worker: psutil.Process
    ) -> None:
        self.worker = worker
        self._services = services
        self._environments = environments
        self._release = 0

    def batch(self, size: int) -> Sequence[Start]:
        self._release += 1
        given = {"ref": f"release-{self._release}"}
        return [partial(self._start, environment, given) for environment in self._environments[:size]]

    def _start(self, environment: Environment, given: dict[str, str]) -> str:
        requested = self._services.operations.start(
            operation_type=COMPOSE, environment=environment, given=given, actor=BENCH
        )
        return Correlation(operation_type=COMPOSE, run_id=requested.run.id).workflow_id


class Bare:
    """Bare workflows, started with the same client."""

    def __init__(self, temporal: TemporalConnection, worker: psutil.Process) -> None:
        self.worker = worker
        self._temporal = temporal

    def batch(self, size: int) -> Sequence[Start]:
        return [self._start] * size

    def _start(self) -> str:
        workflow_id = str(uuid4())
        self._temporal.call(lambda client: client.start_workflow("bare", id=workflow_id, task_queue=QUEUE))
        return workflow_id


class Figures:
    """The figures of one side; `cpu` is that of worker and Temporal server, in seconds per operation."""

    def __init__(self, side: Side, temporal: TemporalConnection, server: psutil.Process) -> None:
        self._side = side
        self._temporal = temporal
        self._server = server
        self.latencies: list[float] = []
        self.rates: list[float] = []
        self.cpu: list[float] = []

    def sequential(self, size: int) -> None:
        for start in self._side.batch(size):
            begun = time.perf_counter()
            self._wait([start()])
            self.latencies.append(time.perf_counter() - begun)

    def at_once(self, size: int) -> None:
        batch = self._side.batch(size)
        cpu, begun = self._cpu(), time.perf_counter()
        with ThreadPoolExecutor(STARTERS) as starters:
            self._wait([*starters.map(lambda start: start(), batch)])
        self.rates.append(size / (time.perf_counter() - begun))
        self.cpu.append((self._cpu() - cpu) / size)

    def _wait(self, workflow_ids: Sequence[str]) -> None:
        async def results(client: Client) -> None:
            await asyncio.gather(*(client.get_workflow_handle(each).result() for each in workflow_ids))

        self._temporal.call(results, timeout=PATIENCE)

    def _cpu(self) -> float:
        # With children: git runs as a child of our worker.
        return sum(sum(process.cpu_times()[:4]) for process in (self._side.worker, self._server))


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="operationrun-") as folder,
        up(Path(folder) / "system", "--no-worker") as system,
    ):
        ours, bare = measure(system)
    rows = [
        at_most(
            1.0,
            "start to finish, one after the other, p50",
            ours=median(ours.latencies),
            floor=median(bare.latencies),
            wording=milliseconds,
        ),
        at_least(
            0.9,
            f"operations per second, {AT_ONCE} at once",
            ours=median(ours.rates),
            floor=median(bare.rates),
            wording="{:.1f}/s".format,
        ),
        at_most(
            1.1,
            "CPU per operation, worker and server",
            ours=median(ours.cpu),
            floor=median(bare.cpu),
            wording=milliseconds,
        ),
    ]
    write("small_operations", rows, notes=["The floor is a bare workflow of three no-op activities."])


def measure(system: System) -> tuple[Figures, Figures]:
    """Measure both sides in turn, after a batch of each to warm up."""
    temporal = TemporalConnection(
        ClientConfigProfile(address=system.ready["temporal_address"], namespace="default")
    )
    server = psutil.Process(system.ready["pids"]["temporal"])
    services = build_services(Settings.from_environment(system.worker_settings))
    environments = prepare(system, services)
    with system.worker() as worker, bare_worker(system.ready["temporal_address"]) as bare_pid:
        sides = (
            Figures(Ours(services, environments, psutil.Process(worker)), temporal, server),
            Figures(Bare(temporal, psutil.Process(bare_pid)), temporal, server),
        )
        for side in sides:
            side.at_once(AT_ONCE)
            side.rates.clear()
            side.cpu.clear()
        for _ in range(ROUNDS):
            for side in sides:
                side.sequential(SEQUENTIAL)
            for side in sides:
                side.at_once(AT_ONCE)
    services.database.close()
    return sides


def prepare(system: System, services: Services) -> Sequence[Environment]:
    """Create environments of one repository that has a release for every batch."""
    repository = GitRepository(system.repositories, "bench")
    for release in range(1, 2 + 2 * ROUNDS):
        repository.commit({"policies/a.json": f'{{"release": {release}}}', "policies/b.json": "{}"})
        repository.tag(f"release-{release}")
    with services.database.transaction() as session:
        workspace_id = session.scalars(select(Workspace.id).where(Workspace.slug == "default")).one()
        environments = Environments(session, allowed_file_roots=services.allowed_file_roots)
        return [
            environments.create(
                workspace_id=workspace_id,
                slug=f"bench-{number}",
                name=f"Bench {number}",
                repository_url=repository.url,
                branch="main",
            )
            for number in range(AT_ONCE)
        ]


@contextmanager
def bare_worker(address: str) -> Iterator[int]:
    """Run the floor's worker while the block lasts; yield its pid."""
    argv = own_argv("bench.bare_worker", address)
    with subprocess.Popen(argv, env=own_environment(), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.terminate()


if __name__ == "__main__":
    main()
