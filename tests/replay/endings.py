"""Every ending of the workflows, each played on a running system; the histories are recorded from these."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString
from uuid import uuid4

import psycopg

from runtime.local.own_program import own_argv, own_environment
from tests import slow_remotes
from tests.git_repository import GitRepository
from tests.replay.impatient_worker import QUEUE
from tests.system import MANY, Json, System, wait_for
from tests.temporal_cli import TemporalCli

COMPOSE = "environment.review.compose"
RESTORE = "restore.execute"
FIRST: dict[str, str | bytes | None] = {"a.json": "1"}

# Plays an ending on a system and returns the id of the workflow that came to it.
Ending = Callable[[System], str]


def compose_succeeded(system: System) -> str:
    _, environment = fresh(system, MANY)
    return ended(system, system.compose(environment), "review_composed")


def compose_succeeded_at_once(system: System) -> str:
    _, environment = fresh(system)
    return ended(system, system.compose(environment), "review_composed")


def compose_already_composed(system: System) -> str:
    repository, environment = fresh(system)
    repository.tag("release-1")
    ended(system, system.compose(environment), "review_composed")
    return ended(system, system.compose(environment, "release-1"), "review_already_composed")


def compose_failed(system: System) -> str:
    _, environment = fresh(system)
    return ended(system, system.compose(environment, "no-such-tag"), "ref_not_found")


def compose_cancelled(system: System) -> str:
    repository, environment = fresh(system)
    with silence(repository):
        run = system.running(system.compose(environment))
        cancel(system, run)
        return ended(system, run, "cancelled")


def compose_cancelled_between_steps(system: System) -> str:
    """The first step is past where it heeds a cancellation: it ends well, and the second must not begin."""
    repository, environment = fresh(system, MANY)
    temporal = TemporalCli(system)
    with psycopg.connect(system.ready["database_url"]) as connection:
        with silence(repository):
            run = system.running(system.compose(environment))
            connection.execute("SELECT FROM operation_runs WHERE id = %s FOR UPDATE", [run["id"]])
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        wait_for(lambda: _number(connection, waiting) > 0, what="the first step to reach its last write")
        temporal.cancel(workflow_id_of(run))
        wait_for(
            lambda: (
                "ACTIVITY_TASK_CANCEL_REQUESTED"
                in str(temporal("workflow", "show", "--workflow-id", workflow_id_of(run)))
            ),
            what="the workflow to pass the cancellation on",
        )
    return ended(system, run, "cancelled")


def compose_deadline(system: System) -> str:
    repository, environment = fresh(system)
    with silence(repository), impatient_worker(system):
        run = start_directly(system, COMPOSE, scope_of(environment), "--task-queue", QUEUE)
        return ended(system, run, "deadline")


def compose_blocked_duplicate(system: System) -> str:
    repository, environment = fresh(system)
    with silence(repository):
        active = system.running(system.compose(environment))
        duplicate = start_directly(system, COMPOSE, scope_of(environment))
        blocked = ended(system, duplicate, "already_in_progress")
        cancel(system, active)
        ended(system, active, "cancelled")
    return blocked


def compose_refused_workspace(system: System) -> str:
    _, environment = fresh(system)
    foreign = scope_of(environment) | {"workspace_id": str(uuid4())}
    return closed(system, workflow_id_of(start_directly(system, COMPOSE, foreign)))


def compose_refused_id(system: System) -> str:
    _, environment = fresh(system)
    workflow_id = f"operation-run.v1.{RESTORE}.{uuid4()}"
    TemporalCli(system).start(workflow_id, COMPOSE, scope_of(environment))
    return closed(system, workflow_id)


def compose_refused_input(system: System) -> str:
    _, environment = fresh(system)
    run = start_directly(system, COMPOSE, scope_of(environment) | {"unknown": "x"})
    return closed(system, workflow_id_of(run))


def compose_retried(system: System) -> str:
    repository, environment = fresh(system, MANY)
    with silence(repository):
        run = system.running(system.compose(environment))
        killed = system.kill_worker()
    system.next_worker(killed)
    return ended(system, run, "review_composed")


def restore_applied(system: System) -> str:
    _, environment, plan = released(system)
    return ended(system, system.restore(environment, plan), "restore_applied")


def restore_not_needed(system: System) -> str:
    _, environment = fresh(system)
    plan = system.plan(environment, "main")
    return ended(system, system.restore(environment, plan), "restore_not_needed")


def restore_partly_applied(system: System) -> str:
    repository = system.repository({"a.json": "{broken", "b.json": "1"})
    repository.tag("release-1")
    repository.commit({"a.json": "2", "b.json": "2"})
    environment = system.environment(repository.url)
    plan = system.plan(environment, "release-1")
    return ended(system, system.restore(environment, plan), "restore_partly_applied")


def restore_environment_changed(system: System) -> str:
    repository, environment, plan = released(system)
    repository.commit({"a.json": "3"})
    return ended(system, system.restore(environment, plan), "environment_changed")


def restore_push_refused(system: System) -> str:
    repository, environment, plan = released(system)
    repository.hook("pre-receive", "echo 'This branch is protected.' >&2; exit 1")
    return ended(system, system.restore(environment, plan), "push_refused")


def restore_cancelled(system: System) -> str:
    repository, environment, plan = released(system)
    with silence(repository):
        run = system.running(system.restore(environment, plan))
        cancel(system, run)
        # Settling asks the repository.
        wait_for(lambda: is_acknowledged(system, run), what="the restore to stop")
    return ended(system, run, "cancelled")


def restore_cancelled_too_late(system: System) -> str:
    repository, environment, plan = released(system)
    with held_push(repository) as under_way:
        run = system.restore(environment, plan)
        wait_for(under_way.exists, what="the push to be under way")
        cancel(system, run)
    return ended(system, run, "restore_applied")


def restore_timed_out(system: System) -> str:
    repository, environment, plan = released(system)
    scope = scope_of(environment) | {"restore_plan_id": plan["id"]}
    with held_push(repository, verdict=1) as under_way, impatient_worker(system) as worker:
        run = start_directly(system, RESTORE, scope, "--task-queue", QUEUE)
        wait_for(under_way.exists, what="the push to be under way")
        worker.kill()
    with impatient_worker(system):
        return ended(system, run, "activity_timed_out")


def sweep_completed(system: System) -> str:
    temporal = TemporalCli(system)
    query = "WorkflowType = 'operation-run.sweep' AND ExecutionStatus = 'Completed'"

    def look() -> str | None:
        # Not the first: one that goes on where another stopped.
        found = temporal("workflow", "list", "--query", query, "--limit", "5")
        return str(found[0]["execution"]["workflowId"]) if len(found) == 5 else None

    return wait_for(look, what="some sweeps")


ENDINGS: dict[str, Ending] = {
    ending.__name__.replace("_", "-"): ending
    for ending in (
        compose_succeeded,
        compose_succeeded_at_once,
        compose_already_composed,
        compose_failed,
        compose_cancelled,
        compose_cancelled_between_steps,
        compose_deadline,
        compose_blocked_duplicate,
        compose_refused_workspace,
        compose_refused_id,
        compose_refused_input,
        compose_retried,
        restore_applied,
        restore_not_needed,
        restore_partly_applied,
        restore_environment_changed,
        restore_push_refused,
        restore_cancelled,
        restore_cancelled_too_late,
        restore_timed_out,
        sweep_completed,
    )
}


def fresh(system: System, files: dict[str, str | bytes | None] = FIRST) -> tuple[GitRepository, Json]:
    repository = system.repository(files)
    return repository, system.environment(repository.url)


def released(system: System) -> tuple[GitRepository, Json, Json]:
    """Return an environment that has moved on from its tag, with the plan that puts it back."""
    repository, environment = fresh(system)
    repository.tag("release-1")
    repository.commit({"a.json": "2"})
    return repository, environment, system.plan(environment, "release-1")


def _number(connection: psycopg.Connection, question: LiteralString) -> int:
    found = connection.execute(question).fetchone()
    return found[0] if found else 0


def scope_of(environment: Json) -> Json:
    return {"workspace_id": environment["workspace_id"], "environment_id": environment["id"]}


def workflow_id_of(run: Json) -> str:
    return f"operation-run.v1.{run['type']}.{run['id']}"


def start_directly(system: System, operation_type: str, operation_input: Json, *flags: str) -> Json:
    """Start a workflow at the Temporal command line; return what is known of its run."""
    run = {"id": str(uuid4()), "type": operation_type}
    TemporalCli(system).start(workflow_id_of(run), operation_type, operation_input, *flags)
    return run


def cancel(system: System, run: Json) -> None:
    system.post(f"/operations/{run['id']}/cancel", {}, expect=202)


def is_acknowledged(system: System, run: Json) -> bool:
    cancellation = system.get(f"/operations/{run['id']}")["context"]["cancellation"]
    return cancellation["acknowledged_at"] is not None


def ended(system: System, run: Json, code: str) -> str:
    """Wait for a run and its workflow to end, as expected; return the workflow's id."""
    workflow_id = closed(system, workflow_id_of(run))
    found = system.settled(run)
    assert found["message"]["code"] == code, found["message"]
    return workflow_id


def closed(system: System, workflow_id: str) -> str:
    temporal = TemporalCli(system)
    wait_for(lambda: temporal.status(workflow_id) != "running", what=f"{workflow_id} to close")
    return workflow_id


@contextmanager
def silence(repository: GitRepository) -> Iterator[None]:
    """Let a repository be reached and never answer; who still waits at the end is let go."""
    slow_remotes.silence(repository)
    try:
        yield
    finally:
        pipe = os.open(repository.path / "HEAD", os.O_RDWR)
        slow_remotes.speak(repository)
        os.close(pipe)


@contextmanager
def held_push(repository: GitRepository, *, verdict: int = 0) -> Iterator[Path]:
    """Hold pushes at the remote, then answer with the verdict; gives the file that tells of a held one."""
    gate, under_way = repository.path.with_suffix(".gate"), repository.path.with_suffix(".under-way")
    hook = f"touch {under_way}; while [ ! -e {gate} ]; do sleep 0.05; done; exit {verdict}"
    repository.hook("pre-receive", hook)
    try:
        yield under_way
    finally:
        gate.touch()


@contextmanager
def impatient_worker(system: System) -> Iterator[subprocess.Popen[bytes]]:
    """Run the worker whose minutes are seconds, on its own queue."""
    settings = system.worker_settings | {"OPERATIONRUN_TASK_QUEUE": QUEUE}
    process = subprocess.Popen(
        own_argv("tests.replay.impatient_worker"),
        env=own_environment(settings),
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
