"""Workflows that somebody starts with Temporal itself: the same laws, or nothing at all (law L6)."""

from uuid import uuid4

import psycopg
import pytest

from tests.system import Json, System, wait_for
from tests.temporal_cli import TemporalCli

COMPOSE = "environment.review.compose"


@pytest.fixture
def temporal(system: System) -> TemporalCli:
    return TemporalCli(system)


def scope_of(environment: Json) -> Json:
    return {"workspace_id": environment["workspace_id"], "environment_id": environment["id"]}


def closed(temporal: TemporalCli, workflow_id: str) -> str:
    def look() -> str | None:
        status = temporal.status(workflow_id)
        return None if status == "running" else status

    return wait_for(look, what=f"{workflow_id} to close")


def rows(system: System) -> int:
    with psycopg.connect(system.ready["database_url"]) as connection:
        found = connection.execute("SELECT count(*) FROM operation_runs").fetchone()
    assert found is not None
    count: int = found[0]
    return count


def test_it_registers_its_run_and_goes_the_whole_way(system: System, temporal: TemporalCli) -> None:
    environment = system.environment(system.repository({"a.json": "1"}).url)
    run_id = str(uuid4())
    workflow_id = f"operation-run.v1.{COMPOSE}.{run_id}"

    temporal.start(workflow_id, COMPOSE, scope_of(environment))

    assert closed(temporal, workflow_id) == "completed"
    run = system.get(f"/operations/{run_id}")
    assert (run["outcome"], run["message"]["code"]) == ("succeeded", "review_composed")
    assert run["links"]["related"]["type"] == "environment_review"
    assert run["context"]["dispatch"].pop("dispatched_at")
    assert run["context"]["dispatch"] == {
        "job_class": "workflows.review_compose.EnvironmentReviewComposeWorkflow",
        "queue": "operation-runs",
        "connection": "default",
        "correlation_version": 1,
        "operation_run_id": run_id,
    }


def test_it_restores_too(system: System, temporal: TemporalCli) -> None:
    repository = system.repository({"a.json": "1"})
    repository.tag("release-1")
    repository.commit({"a.json": "2"})
    environment = system.environment(repository.url)
    plan = system.plan(environment, "release-1")
    run_id = str(uuid4())
    workflow_id = f"operation-run.v1.restore.execute.{run_id}"

    temporal.start(workflow_id, "restore.execute", scope_of(environment) | {"restore_plan_id": plan["id"]})

    assert closed(temporal, workflow_id) == "completed"
    assert system.get(f"/operations/{run_id}")["message"]["code"] == "restore_applied"
    assert repository.read("show", "main:a.json") == "1"


def test_a_duplicate_of_an_active_run_is_blocked_at_birth(system: System, temporal: TemporalCli) -> None:
    repository = system.repository({"a.json": "1"})
    repository.tag("release-1")
    repository.commit({"a.json": "2"})
    gate, marker = repository.path.with_suffix(".gate"), repository.path.with_suffix(".marker")
    repository.hook("pre-receive", f"touch {marker}; while [ ! -e {gate} ]; do sleep 0.05; done")
    environment = system.environment(repository.url)
    plan = system.plan(environment, "release-1")
    active = system.restore(environment, plan)
    wait_for(marker.exists, what="the push to be under way")
    run_id = str(uuid4())
    workflow_id = f"operation-run.v1.restore.execute.{run_id}"

    temporal.start(workflow_id, "restore.execute", scope_of(environment) | {"restore_plan_id": plan["id"]})

    assert closed(temporal, workflow_id) == "completed"
    duplicate = system.get(f"/operations/{run_id}")
    assert (duplicate["status"], duplicate["outcome"]) == ("completed", "blocked")
    assert duplicate["message"]["code"] == "already_in_progress"
    assert duplicate["context"]["reconciliation"]["related"] == {"type": "operation_run", "id": active["id"]}
    gate.touch()
    assert system.settled(active)["outcome"] == "succeeded"


@pytest.mark.parametrize(
    ("workflow_id", "workflow_type"),
    [
        pytest.param("anything", COMPOSE, id="no id of ours"),
        pytest.param(f"operation-run.v2.{COMPOSE}.{{run}}", COMPOSE, id="another version"),
        pytest.param(
            "operation-run.v1.restore.execute.{run}", COMPOSE, id="another type than the workflow's"
        ),
        pytest.param(f"operation-run.v1.{COMPOSE}.{{run}}.x", COMPOSE, id="a tail"),
        pytest.param(f"operation-run.v1.{COMPOSE}.{{RUN}}", COMPOSE, id="an id in capitals"),
    ],
)
def test_an_id_that_names_no_run_claims_and_invents_nothing(
    system: System, temporal: TemporalCli, workflow_id: str, workflow_type: str
) -> None:
    environment = system.environment(system.repository({"a.json": "1"}).url)
    run_id = str(uuid4())
    workflow_id = (
        workflow_id.replace("{run}", run_id).replace("{RUN}", run_id.upper()).replace("anything", run_id)
    )
    before = rows(system)

    temporal.start(workflow_id, workflow_type, scope_of(environment))

    assert closed(temporal, workflow_id) == "failed"
    assert rows(system) == before


def test_a_run_of_another_workspace_is_not_claimed(system: System, temporal: TemporalCli) -> None:
    environment = system.environment(system.repository({"a.json": "1"}).url)
    foreign = scope_of(environment) | {"workspace_id": str(uuid4())}
    run_id = str(uuid4())
    workflow_id = f"operation-run.v1.{COMPOSE}.{run_id}"

    temporal.start(workflow_id, COMPOSE, foreign)

    assert closed(temporal, workflow_id) == "failed"
    assert system.client.get(f"/operations/{run_id}").status_code == 404


def test_a_run_that_has_ended_is_not_taken_up_again(system: System, temporal: TemporalCli) -> None:
    environment = system.environment(system.repository({"a.json": "1"}).url)
    run = system.settled(system.compose(environment))
    workflow_id = f"operation-run.v1.{COMPOSE}.{run['id']}"

    # The default policy of Temporal lets a closed id run again; the first step refuses it.
    assert closed(temporal, workflow_id) == "completed"
    temporal.start(workflow_id, COMPOSE, scope_of(environment))

    assert closed(temporal, workflow_id) == "failed"
    after = system.get(f"/operations/{run['id']}")
    assert {name: after[name] for name in ("outcome", "completed_at", "context")} == {
        name: run[name] for name in ("outcome", "completed_at", "context")
    }


def test_an_open_workflow_without_a_run_is_registered_when_a_worker_comes(idle_system: System) -> None:
    environment = idle_system.environment(idle_system.repository({"a.json": "1"}).url)
    run_id = str(uuid4())
    temporal = TemporalCli(idle_system)
    temporal.start(f"operation-run.v1.{COMPOSE}.{run_id}", COMPOSE, scope_of(environment))
    assert idle_system.client.get(f"/operations/{run_id}").status_code == 404

    with idle_system.worker():
        run = wait_for(
            lambda: (
                (answer := idle_system.client.get(f"/operations/{run_id}")).status_code == 200
                and answer.json()
            ),
            what="the run to be registered",
        )
        assert idle_system.settled(run)["outcome"] == "succeeded"


@pytest.mark.parametrize("bad", [{}, {"ref": 3}, {"unknown": "x"}, {"ref": ""}], ids=str)
def test_an_input_that_does_not_hold_is_refused(system: System, temporal: TemporalCli, bad: Json) -> None:
    environment = system.environment(system.repository({"a.json": "1"}).url)
    run_id = str(uuid4())
    workflow_id = f"operation-run.v1.{COMPOSE}.{run_id}"

    temporal.start(workflow_id, COMPOSE, (scope_of(environment) if bad else {}) | bad)

    assert closed(temporal, workflow_id) == "failed"
    assert system.client.get(f"/operations/{run_id}").status_code == 404


def test_a_start_without_an_input_is_refused(system: System, temporal: TemporalCli) -> None:
    run_id = str(uuid4())
    workflow_id = f"operation-run.v1.{COMPOSE}.{run_id}"

    temporal(
        "workflow", "start", "--workflow-id", workflow_id, "--type", COMPOSE,
        "--task-queue", "operation-runs",
    )  # fmt: skip

    assert closed(temporal, workflow_id) == "failed"
    assert system.client.get(f"/operations/{run_id}").status_code == 404
