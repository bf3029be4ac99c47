"""Workflows that end, or begin again, without the help of their code: the sweep settles them (section 5)."""

from uuid import uuid4

import pytest

from models.catalog import OperationType
from tests.faults.crew import Crew
from tests.faults.operations import begin, restorable, workflow_id_of
from tests.faults.settled import assert_settled, commits_of, settlements
from tests.slow_remotes import gate_of, held_restore, silence, speak
from tests.system import Json, System, wait_for
from tests.temporal_cli import TemporalCli

pytestmark = pytest.mark.faults

COMPOSE = OperationType.ENVIRONMENT_REVIEW_COMPOSE
WITHIN = 10.0
TERMINATED = 50
# Three attempts, and then a minute's grace, before the sweep ends a workflow whose task keeps failing.
FAILING_WITHIN = 110.0


def test_what_was_terminated_while_no_worker_was_there_is_settled_when_one_comes(
    system: System, crew: Crew, temporal: TemporalCli
) -> None:
    crew.muster(0)
    runs = [begin(system, operation_type) for operation_type in OperationType]
    for run in runs:
        temporal.terminate(workflow_id_of(run))

    crew.muster(1)

    ended = [system.settled(run, patience=WITHIN) for run in runs]
    assert {run["outcome"] for run in ended} == {"failed"}
    assert {_cause(run) for run in ended} == {"terminated"}
    assert_settled(system, runs)


@pytest.mark.whole_lane
def test_what_timed_out_while_no_worker_was_there_is_settled_when_one_comes(
    system: System, crew: Crew, temporal: TemporalCli
) -> None:
    (worker,) = crew.muster(1)
    repository = system.repository({"a.conf": "1"})
    environment = system.environment(repository.url)
    silence(repository)
    run: Json = {"id": str(uuid4()), "type": COMPOSE}
    scope = {"workspace_id": environment["workspace_id"], "environment_id": environment["id"]}
    temporal.start(workflow_id_of(run), COMPOSE, scope, "--execution-timeout", "6s")
    wait_for(lambda: system.client.get(f"/operations/{run['id']}").status_code == 200, what="the run")
    crew.kill(worker)
    wait_for(lambda: temporal.status(workflow_id_of(run)) == "timed_out", what="the workflow to time out")

    crew.muster(1)

    ended = system.settled(run, patience=WITHIN)
    assert (ended["outcome"], _cause(ended)) == ("failed", "timed_out")
    speak(repository)
    assert_settled(system, [run])


def test_a_running_restore_that_is_reset_is_done_once(
    system: System, crew: Crew, temporal: TemporalCli
) -> None:
    crew.muster(1)
    repository, _, run = held_restore(system)

    _reset(temporal, run)
    gate_of(repository).touch()

    ended = system.settled(run)
    assert ended["outcome"] == "succeeded"
    assert len(commits_of(repository.path)[run["id"]]) == 1
    assert_settled(system, [run])


@pytest.mark.whole_lane
def test_a_completed_compose_that_is_reset_stays_as_it_was(
    system: System, crew: Crew, temporal: TemporalCli
) -> None:
    crew.muster(1)
    before = system.settled(begin(system, COMPOSE))
    wait_for(lambda: temporal.status(workflow_id_of(before)) == "completed", what="the workflow to close")

    _reset(temporal, before)

    wait_for(
        lambda: temporal.status(workflow_id_of(before)) == "failed", what="the new attempt to be refused"
    )
    after = system.get(f"/operations/{before['id']}")
    assert {name: after[name] for name in ("outcome", "completed_at", "context", "failures")} == {
        name: before[name] for name in ("outcome", "completed_at", "context", "failures")
    }
    assert settlements(system, before["id"]) == [("succeeded", "review_composed")]
    assert_settled(system, [before])


@pytest.mark.whole_lane
def test_a_workflow_whose_code_is_broken_is_ended_and_settled(
    system: System, crew: Crew, temporal: TemporalCli
) -> None:
    crew.muster(0)
    broken = crew.hire("tests.faults.broken_worker")
    broken.await_ready()
    repository, environment, plan = restorable(system)
    runs = [system.restore(environment, plan), begin(system, COMPOSE)]

    ended = [system.settled(run, patience=FAILING_WITHIN) for run in runs]

    crew.kill(broken)
    crew.muster(1)
    assert [run["outcome"] for run in ended] == ["failed", "failed"]
    assert {_cause(run) for run in ended} == {"task_failing"}
    assert {temporal.status(workflow_id_of(run)) for run in runs} == {"terminated"}
    assert commits_of(repository.path) == {}
    assert_settled(system, runs)


@pytest.mark.whole_lane
def test_sweeps_at_the_same_time_settle_each_run_once(
    system: System, crew: Crew, temporal: TemporalCli
) -> None:
    crew.muster(0)
    repository = system.repository({"a.conf": "1"})
    environment = system.environment(repository.url)
    for number in range(TERMINATED):
        repository.tag(f"tag-{number}")
    runs = [system.compose(environment, f"tag-{number}") for number in range(TERMINATED)]
    for run in runs:
        temporal.terminate(workflow_id_of(run))
    # The schedule goes on without a worker; these and its own sweeps all wait for the two that come now.
    for _ in range(3):
        temporal("schedule", "trigger", "--schedule-id", "operation-run-sweep")

    crew.muster(2)

    ended = [system.settled(run, patience=2 * WITHIN) for run in runs]
    assert {(run["outcome"], _cause(run)) for run in ended} == {("failed", "terminated")}
    assert [settlements(system, run["id"]) for run in runs] == [
        [("failed", "review_not_composed")]
    ] * TERMINATED
    assert_settled(system, runs)


def _reset(temporal: TemporalCli, run: Json) -> None:
    flags = ("--workflow-id", workflow_id_of(run), "--type", "FirstWorkflowTask", "--reason", "by hand")
    temporal("workflow", "reset", *flags)


def _cause(run: Json) -> str:
    cause: str = run["context"]["reconciliation"]["evidence"]["cause"]
    return cause
