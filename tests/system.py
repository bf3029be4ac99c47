import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import httpx
import psutil
import pytest

from runtime.local.own_program import own_argv, own_environment
from services.reviews.evidence import ITEMS_AT_ONCE
from tests.git_repository import GitRepository

T = TypeVar("T")
Json = dict[str, Any]

PATIENCE = 60.0
# Too many files for a review in one step.
MANY: dict[str, str | bytes | None] = {f"{number}.json": "1" for number in range(ITEMS_AT_ONCE + 1)}
_numbers = count(1)


def wait_for(condition: Callable[[], T | None], *, what: str, patience: float = PATIENCE) -> T:
    """Return the first truthy value of a condition; fail where none comes in time."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    pytest.fail(f"waited {patience:.0f} s in vain for {what}")


@dataclass(frozen=True, kw_only=True)
class System:
    """A local system as people start it: `operationrun up`, spoken to over HTTP."""

    ready_file: Path
    repositories: Path
    client: httpx.Client

    @property
    def ready(self) -> Json:
        ready: Json = json.loads(self.ready_file.read_text())
        return ready

    def repository(self, files: dict[str, str | bytes | None]) -> GitRepository:
        repository = GitRepository(self.repositories, f"environment-{next(_numbers)}")
        repository.commit(files, "First release")
        return repository

    def environment(self, repository_url: str, **fields: Any) -> Json:
        slug = f"environment-{next(_numbers)}"
        body = {
            "workspace": "default",
            "slug": slug,
            "name": slug,
            "repository_url": repository_url,
            "branch": "main",
        }
        return self.post("/environments", body | fields)

    def post(self, path: str, body: Json, *, expect: int = 201, **headers: str) -> Json:
        answer = self.client.post(path, json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        found: Json = answer.json()
        return found

    def get(self, path: str, **parameters: str) -> Json:
        answer = self.client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def compose(self, environment: Json, ref: str | None = None) -> Json:
        return self.start("environment.review.compose", environment, {"ref": ref} if ref else {})

    def restore(self, environment: Json, plan: Json, *, expect: int = 202) -> Json:
        return self.start("restore.execute", environment, {"restore_plan_id": plan["id"]}, expect=expect)

    def start(
        self, operation_type: str, environment: Json, operation_input: Json, *, expect: int = 202
    ) -> Json:
        body = {"type": operation_type, "environment_id": environment["id"], "input": operation_input}
        return self.post("/operations", body, expect=expect)

    def plan(self, environment: Json, ref: str, mode: str = "exact", items: list[str] | None = None) -> Json:
        label = f"point {next(_numbers)}"
        point = self.post(f"/environments/{environment['id']}/restore-points", {"label": label, "ref": ref})
        body: Json = {"restore_point_id": point["id"], "mode": mode}
        return self.post(
            f"/environments/{environment['id']}/restore-plans", body | ({"items": items} if items else {})
        )

    def settled(self, run: Json, *, patience: float = PATIENCE) -> Json:
        def look() -> Json | None:
            found = self.get(f"/operations/{run['id']}")
            return found if found["status"] == "completed" else None

        return wait_for(look, what=f"run {run['id']} to end", patience=patience)

    def running(self, run: Json) -> Json:
        def look() -> Json | None:
            found = self.get(f"/operations/{run['id']}")
            return found if found["status"] != "queued" else None

        return wait_for(look, what=f"run {run['id']} to start")

    def kill_worker(self) -> int:
        """Kill the worker as a crash would; return its pid. `up` starts another."""
        pid: int = self.ready["pids"]["worker"]
        psutil.Process(pid).send_signal(signal.SIGKILL)
        return pid

    @property
    def worker_settings(self) -> dict[str, str]:
        """What a worker of one's own is told."""
        ready = self.ready
        return {
            "OPERATIONRUN_DATABASE_URL": ready["database_url"],
            "OPERATIONRUN_TEMPORAL_ADDRESS": ready["temporal_address"],
            "OPERATIONRUN_DATA_DIR": str(self.ready_file.parent / "worker"),
            "OPERATIONRUN_ALLOWED_FILE_ROOTS": str(self.repositories),
        }

    @contextmanager
    def worker(self, *, log: Path | None = None, **settings: str) -> Iterator[int]:
        """Run a worker of one's own beside the system; gives its pid, and stops it at the end.

        Its log goes to the file, or to where the tests' own output goes.
        """
        environment = own_environment(self.worker_settings | settings)
        with log.open("wb") if log else nullcontext() as stderr:
            process = subprocess.Popen(own_argv("runtime.cli.main", "worker"), env=environment, stderr=stderr)
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(timeout=60)

    def next_worker(self, killed: int) -> int:
        def look() -> int | None:
            pid: int | None = self.ready["pids"]["worker"]
            return pid if pid not in (None, killed) else None

        return wait_for(look, what="another worker")


@contextmanager
def up(
    folder: Path, *options: str, environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[System]:
    """Run `operationrun up` in a folder and stop it afterwards, leaving no process behind."""
    repositories = folder / "repositories"
    repositories.mkdir(parents=True)
    ready_file, said = folder / "ready.json", folder / "up.log"
    arguments = ("up", "--data-dir", str(folder / "data"), "--port", "0", "--ready-file", str(ready_file))
    with said.open("wb") as log:
        process = subprocess.Popen(
            own_argv("runtime.cli.main", *arguments, "--no-sample", *options),
            env=own_environment({"OPERATIONRUN_ALLOWED_FILE_ROOTS": str(repositories), **environment}),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(
            lambda: ready_file.exists() or process.poll() is not None,
            what="the system to be ready",
            patience=600,
        )
        assert process.poll() is None, said.read_text()
        ready = json.loads(ready_file.read_text())
        # One request a connection: a kept one that has been idle may be closed by another thread that asks.
        headers = {"Authorization": f"Bearer {ready['api_token']}", "Connection": "close"}
        with httpx.Client(base_url=f"{ready['web_url']}/api/v1", headers=headers, timeout=30) as client:
            yield System(ready_file=ready_file, repositories=repositories, client=client)
    finally:
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.terminate()
        code = process.wait(timeout=90)
    _, alive = psutil.wait_procs(family, timeout=10)
    assert (code, alive) == (0, []), said.read_text()
