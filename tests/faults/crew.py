import contextlib
import signal
import subprocess
from datetime import datetime
from itertools import count
from pathlib import Path

import psutil

from models.base import utc_now
from runtime.local.own_program import own_argv, own_environment
from runtime.process.fault_injection import ON, SWITCH
from tests.system import System, wait_for

READY = "worker ready"


class Orders:
    """What the next worker that reaches a kill point does there (runtime/process/fault_injection.py)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)

    def kill_at(self, point: str) -> None:
        (self.folder / point).write_text("kill")

    def stop_at(self, point: str) -> None:
        (self.folder / point).write_text("stop")

    def taken(self, point: str) -> bool:
        return any(self.folder.glob(f"{point}.taken-by-*"))

    def clear(self) -> None:
        for order in self.folder.iterdir():
            order.unlink()


class Worker:
    """A worker process, and when it was ready and died."""

    def __init__(
        self, module: str, arguments: tuple[str, ...], environment: dict[str, str], log: Path, *, pooled: bool
    ) -> None:
        self.pooled = pooled
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                own_argv(module, *arguments),
                env=own_environment(environment),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.pid = self._process.pid
        self.ready_at: datetime | None = None
        self.died_at: datetime | None = None

    def await_ready(self) -> None:
        def ready() -> bool:
            assert self._process.poll() is None, self._log.read_text()
            return READY in self._log.read_text()

        if not self.ready_at:
            wait_for(ready, what="a worker to be ready")
            self.ready_at = utc_now()

    @property
    def lives(self) -> bool:
        if self._process.poll() is None:
            return True
        self.died_at = self.died_at or utc_now()
        return False

    @property
    def is_stopped(self) -> bool:
        return psutil.Process(self.pid).status() == psutil.STATUS_STOPPED

    def kill(self) -> None:
        self._process.kill()
        self.died_at = utc_now()
        self._process.wait(timeout=10)

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        self.resume()
        self._process.terminate()

    def end(self) -> None:
        """See a worker to its end that was asked to stop; one that is still at work is killed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=25)
        self.kill()


class Crew:
    """The workers of a system; all of them share one data directory, as after a restart.

    `pooled_url`: its database through a pooler (tests/pgbouncer.py), for the workers that go through it;
    None where this machine has no pooler.
    """

    def __init__(self, system: System, *, pooled_url: str | None = None) -> None:
        self._system = system
        self.pooled_url = pooled_url
        self._folder = system.ready_file.parent / "crew"
        self._numbers = count(1)
        self.orders = Orders(self._folder / "orders")
        self.workers: list[Worker] = []

    def muster(self, number: int, *, pooled: int = 0) -> list[Worker]:
        """Have so many workers, `pooled` of them behind the pooler, all ready.

        What is missing is started, what is too many is stopped.
        """
        self.workers = [worker for worker in self.workers if worker.lives]
        for behind, wanted in ((True, pooled), (False, number - pooled)):
            there = [worker for worker in self.workers if worker.pooled is behind]
            for _ in range(len(there), wanted):
                self.hire(pooled=behind)
            self._end(there[wanted:])
        for worker in self.workers:
            worker.await_ready()
        return self.workers

    def hire(self, module: str = "runtime.cli.main", *arguments: str, pooled: bool = False) -> Worker:
        """Start one more worker; it may not be ready yet."""
        environment = self._system.worker_settings | {SWITCH: f"{ON}:{self.orders.folder}"}
        if pooled:
            assert self.pooled_url, "this crew has no pooler"
            environment["OPERATIONRUN_DATABASE_URL"] = self.pooled_url
        log = self._folder / f"{next(self._numbers)}.log"
        worker = Worker(module, arguments or ("worker",), environment, log, pooled=pooled)
        self.workers.append(worker)
        return worker

    def bury(self) -> Worker:
        """Wait for a worker to die, and return it."""
        dead = wait_for(
            lambda: next((worker for worker in self.workers if not worker.lives), None),
            what="a worker to die",
        )
        self.workers.remove(dead)
        return dead

    def stopped(self) -> Worker:
        """Wait for a worker to be stopped, and return it."""
        return wait_for(
            lambda: next((worker for worker in self.workers if worker.lives and worker.is_stopped), None),
            what="a worker to be stopped",
        )

    def kill(self, worker: Worker) -> None:
        worker.kill()
        self.workers.remove(worker)

    def dismiss(self) -> None:
        self._end(self.workers)

    def _end(self, workers: list[Worker]) -> None:
        workers = list(workers)
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.end()
            self.workers.remove(worker)
