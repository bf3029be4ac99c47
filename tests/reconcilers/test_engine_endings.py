"""Endings that workflow code cannot record: the sweep settles them by what is true (section 5)."""

from uuid import uuid4

import pytest

from tests.slow_remotes import gate_of, held_restore, silence, speak
from tests.system import Json, System, wait_for
from tests.temporal_cli import TemporalCli

# The promise is ten seconds; what is over it fails the test by its wait.
WITHIN = 10.0


@pytest.fixture
def temporal(system: System) -> TemporalCli:
    return TemporalCli(system)


def workflow_id_of(run: Json) -> str:
    return f"operation-run.v1.{run['type']}.{run['id']}"


def silent_remote(system: System) -> Json:
    repository = system.repository({"a.json": "1"})
    environment = system.environment(repository.url)
    silence(repository)
    return environment


def test_a_terminated_compose_is_settled(system: System, temporal: TemporalCli) -> None:
    run = system.running(system.compose(silent_remote(system)))
    temporal.terminate(workflow_id_of(run))

    run = system.settled(run, patience=WITHIN)

    reconciliation = run["context"]["reconciliation"]
    assert (run["outcome"], reconciliation["reason_code"]) == ("failed", "review_not_composed")
    assert (reconciliation["source"], reconciliation["evidence"]["cause"]) == ("sweep", "terminated")


def test_a_workflow_past_its_execution_timeout_is_settled(system: System, temporal: TemporalCli) -> None:
    environment = silent_remote(system)
    run_id = str(uuid4())
    workflow_id = f"operation-run.v1.environment.review.compose.{run_id}"
    scope = {"workspace_id": environment["workspace_id"], "environment_id": environment["id"]}
    temporal.start(workflow_id, "environment.review.compose", scope, "--execution-timeout", "3s")
    wait_for(lambda: temporal.status(workflow_id) == "timed_out", what="the workflow to time out")

    run = system.settled({"id": run_id}, patience=WITHIN)

    reconciliation = run["context"]["reconciliation"]
    assert (run["outcome"], reconciliation["reason_code"]) == ("failed", "review_not_composed")
    assert (reconciliation["source"], reconciliation["evidence"]["cause"]) == ("sweep", "timed_out")


def test_a_restore_terminated_while_its_push_goes_through_is_done(
    system: System, temporal: TemporalCli
) -> None:
    repository, _, run = held_restore(system)
    temporal.terminate(workflow_id_of(run))
    gate_of(repository).touch()

    run = system.settled(run)

    assert (run["outcome"], run["message"]["code"]) == ("succeeded", "restore_applied")
    assert run["links"]["related"]["type"] == "restore_result"
    assert repository.read("show", "main:a.json") == "1"


def test_a_restore_terminated_before_its_push_is_settled_as_not_applied(
    system: System, temporal: TemporalCli
) -> None:
    repository = system.repository({"a.json": "1"})
    repository.tag("release-1")
    repository.commit({"a.json": "2"})
    environment = system.environment(repository.url)
    plan = system.plan(environment, "release-1")
    head = repository.read("rev-parse", "main")
    silence(repository)
    run = system.running(system.restore(environment, plan))

    temporal.terminate(workflow_id_of(run))

    # No push was ever meant, so that the silent repository need not be heard.
    run = system.settled(run)
    assert (run["outcome"], run["message"]["code"]) == ("failed", "restore_not_applied")
    assert run["context"]["reconciliation"]["evidence"]["cause"] == "terminated"
    speak(repository)
    assert repository.read("rev-parse", "main") == head
