"""Servers and workers of the production shape killed under running operations."""

import psutil
import pytest

from tests.faults.operations import restorable, workflow_id_of
from tests.faults.settled import assert_settled, commits_of
from tests.git_repository import GitRepository
from tests.slow_remotes import gate_of, held_restore, silence, speak
from tests.system import Json, System
from tests.temporal_cli import TemporalCli
from tests.topology.steps import Steps
from tests.topology.topology import Topology

pytestmark = pytest.mark.topology

PATIENCE = 90.0
SECONDS = 20.0


def test_another_worker_carries_on_where_one_was_killed(
    system: System, topology: Topology, steps: Steps
) -> None:
    repository, environment, restore = held_restore(system)
    at_it = topology.working_on(is_push, topology.workers())

    with steps.step("faults", "a worker killed in a restore"):
        topology.kill(at_it)
        gate_of(repository).touch()
        ended = system.settled(restore, patience=PATIENCE)

    topology.restart(at_it)
    assert ended["outcome"] == "succeeded"
    assert_settled(system, [ended])
    assert list(commits_of(repository.path)) == [ended["id"]]
    assert_one_review(system, environment)


def test_what_is_under_way_goes_on_when_temporal_was_killed(
    system: System, topology: Topology, steps: Steps
) -> None:
    held, silent, runs = under_way(system)
    _, environment, plan = restorable(system)

    topology.kill("temporal")
    with steps.step("faults", "a restore accepted while Temporal is away"):
        accepted = system.restore(environment, plan)
        assert accepted["status"] == "queued"
    with steps.step("faults", "Temporal killed and started again"):
        topology.restart("temporal")
    with steps.step("faults", "... until every run was settled"):
        assert_goes_on(system, held, silent, [*runs, accepted])


def test_what_is_under_way_goes_on_when_postgresql_was_restarted(
    system: System, topology: Topology, steps: Steps
) -> None:
    held, silent, runs = under_way(system)

    with steps.step("faults", "PostgreSQL stopped and started again"):
        topology.stop(["postgres"])
        topology.restart("postgres")
    with steps.step("faults", "... until every run was settled"):
        # Docker starts again what ended; Temporal lives on the same server.
        if not topology.lives("temporal"):
            topology.restart("temporal")
        assert_goes_on(system, held, silent, runs)
    assert all(map(topology.lives, ["web", "temporal", *topology.workers()]))


def test_a_terminated_workflow_is_settled_by_the_sweep(
    system: System, temporal: TemporalCli, steps: Steps
) -> None:
    silent = system.repository({"a.conf": "1"})
    environment = system.environment(silent.url)
    silence(silent)
    run = system.running(system.compose(environment))

    with steps.step("faults", "terminated by hand, until it was settled"):
        temporal.terminate(workflow_id_of(run))
        ended = system.settled(run, patience=SECONDS)

    speak(silent)
    reconciliation = ended["context"]["reconciliation"]
    assert (ended["outcome"], reconciliation["source"]) == ("failed", "sweep")
    assert reconciliation["evidence"]["cause"] == "terminated"
    assert_settled(system, [ended])


def under_way(system: System) -> tuple[GitRepository, GitRepository, list[Json]]:
    """Return a restore that pushes and a review that waits for its repository, with these repositories."""
    held, _, restore = held_restore(system)
    silent = system.repository({"a.conf": "1"})
    environment = system.environment(silent.url)
    silence(silent)
    return held, silent, [restore, system.running(system.compose(environment))]


def assert_goes_on(system: System, held: GitRepository, silent: GitRepository, runs: list[Json]) -> None:
    """Let the repositories answer, and fail unless every run succeeds, each once."""
    gate_of(held).touch()
    speak(silent)
    ended = [system.settled(run, patience=PATIENCE) for run in runs]
    assert [run["outcome"] for run in ended] == ["succeeded"] * len(runs)
    assert_settled(system, ended)


def assert_one_review(system: System, environment: Json) -> None:
    """Compose a review twice, and fail unless both runs name the same one."""
    both = [system.settled(system.compose(environment)) for _ in range(2)]
    assert [run["outcome"] for run in both] == ["succeeded", "succeeded"]
    assert_settled(system, both)
    assert len(system.get("/reviews", environment=environment["id"])["items"]) == 1


def is_push(process: psutil.Process) -> bool:
    try:
        return "push" in process.cmdline()
    except psutil.NoSuchProcess:
        return False
