"""A restore of 5,000 files against the same by hand: git read-tree, write-tree, commit-tree and the pushes.

Ours is the work of the two activities: check the plan against the live branch, build the commit and push it
with its ticket, read every item back, complete the run with its result and delete the ticket. A second row
measures from the request over HTTP to the completed run. Each round restores to the other of two releases.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from uuid import UUID

from bench.report import Row, at_most, milliseconds, write
from models.base import Json
from models.catalog import TASK_QUEUE, OperationType
from models.contracts.restore_execute import RestoreExecuteInput
from models.correlation import Correlation
from runtime.container import build_mirrors
from runtime.settings import Settings
from services.database.session import Database
from services.repositories.git import never_cancelled
from services.restores.execution import RestoreExecution
from services.runs.new_run import Dispatch
from tests.factories import EXECUTION
from tests.git_repository import GitRepository
from tests.system import System, up

FILES, ROUNDS = 5_000, 7
PROMISE = 1.5
TICKET = "refs/operation-runs/by-hand/1"

# Restores by a plan and returns the seconds.
Restore = Callable[[Json, Json], float]


def main() -> None:
    """Measure the activities without a worker, then whole runs with one, each in turn with git by hand."""
    with (
        tempfile.TemporaryDirectory(prefix="operationrun-") as folder,
        up(Path(folder) / "system", "--no-worker") as system,
    ):
        row = measure(system, "the work of its two activities", _by_activities(system))
        with system.worker():
            whole = measure(system, "start to finish", lambda *asked: _start_to_finish(system, *asked))
    write(
        "restore",
        [row, replace(whole, promise="-", kept=None)],
        notes=["The floor is git read-tree, write-tree, commit-tree and the same three pushes by hand."],
    )


def measure(system: System, what: str, restore: Restore) -> Row:
    """Restore with ours and by hand in turn; the first round of each warms up."""
    repository, other = _repository(system, f"{what} ours"), _repository(system, f"{what} by hand")
    hand = system.repositories / f"{what}.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(other.path), str(hand)], check=True)
    environment = system.environment(repository.url)
    ours, by_hand = [], []
    for number in range(1 + ROUNDS):
        release = f"release-{1 + number % 2}"
        ours.append(restore(environment, system.plan(environment, release)))
        by_hand.append(_by_hand(hand, release))
        assert repository.read("rev-parse", "main^{tree}") == other.read("rev-parse", "main^{tree}")
    return at_most(
        PROMISE,
        f"restore of {FILES:,} files, {what}, p50",
        ours=median(ours[1:]),
        floor=median(by_hand[1:]),
        wording=milliseconds,
    )


def _repository(system: System, name: str) -> GitRepository:
    repository = GitRepository(system.repositories, name.replace(" ", "-"))
    for release in (1, 2, 3):
        files = {
            f"folder{number % 50}/policy {number}.json": f'{{"number": {number}, "release": {release}}}'
            for number in range(FILES)
        }
        repository.commit(dict(files))
        repository.tag(f"release-{release}")
    return repository


def _by_activities(system: System) -> Restore:
    settings = Settings.from_environment(system.worker_settings)
    execution = RestoreExecution(Database.connect(settings.need_database_url()), build_mirrors(settings))

    def restore(environment: Json, plan: Json) -> float:
        run = system.restore(environment, plan)
        correlation = Correlation(operation_type=OperationType.RESTORE_EXECUTE, run_id=UUID(run["id"]))
        scope = RestoreExecuteInput(
            workspace_id=UUID(environment["workspace_id"]),
            environment_id=UUID(environment["id"]),
            restore_plan_id=UUID(plan["id"]),
        )
        dispatch = Dispatch(queue=TASK_QUEUE, connection="default", workflow_run_id=EXECUTION)
        begun = time.perf_counter()
        execution.check(correlation, scope, dispatch=dispatch, check_cancelled=never_cancelled)
        result = execution.apply(
            correlation, scope, workflow_run_id=EXECUTION, check_cancelled=never_cancelled
        )
        seconds = time.perf_counter() - begun
        assert result is not None
        assert result.outcome == "succeeded", result
        return seconds

    return restore


def _start_to_finish(system: System, environment: Json, plan: Json) -> float:
    begun = time.perf_counter()
    run = system.restore(environment, plan)
    while run["status"] != "completed":
        run = system.get(f"/operations/{run['id']}?wait=20")
    seconds = time.perf_counter() - begun
    assert run["outcome"] == "succeeded", run
    return seconds


def _by_hand(repository: Path, release: str) -> float:
    index = {**os.environ, "GIT_INDEX_FILE": str(repository / "by-hand.index")}

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(repository), *arguments], env=index, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    empty = git("mktree", "--missing")
    opened, done = (git("commit-tree", empty, "-m", state) for state in ("open", "done"))
    begun = time.perf_counter()
    git("read-tree", release)
    commit = git("commit-tree", git("write-tree"), "-p", "main", "-m", f"Restore {release}")
    git("push", "-q", "origin", f"{opened}:{TICKET}")
    git("push", "-q", "--atomic", "origin", f"{commit}:refs/heads/main", f"+{done}:{TICKET}")
    git("push", "-q", "origin", f":{TICKET}")
    seconds = time.perf_counter() - begun
    git("update-ref", "refs/heads/main", commit)
    return seconds


if __name__ == "__main__":
    main()
