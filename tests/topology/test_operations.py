"""The production shape at rest: what the file promises is so, and both operations go well."""

from datetime import timedelta
from functools import partial

import pytest

from runtime.temporal.setup import SWEEP_SCHEDULE
from tests.faults.operations import restorable
from tests.faults.settled import assert_settled, commits_of
from tests.system import System, wait_for
from tests.temporal_cli import TemporalCli
from tests.topology.compose_file import duration
from tests.topology.steps import Steps
from tests.topology.temporal import retention_of
from tests.topology.topology import Topology

pytestmark = pytest.mark.topology

# Temporal's visibility follows a moment later.
SEEN_WITHIN = 20.0


def test_both_operations_go_well_and_are_found_by_search_attributes(
    system: System, temporal: TemporalCli, steps: Steps
) -> None:
    repository, environment, plan = restorable(system)
    with steps.step("operations", "a review composed, a restore executed"):
        compose = system.settled(system.compose(environment))
        restore = system.settled(system.restore(environment, plan))
    assert [run["outcome"] for run in (compose, restore)] == ["succeeded", "succeeded"]
    assert_settled(system, [compose, restore])
    assert list(commits_of(repository.path)) == [restore["id"]]
    assert len(system.get("/reviews", environment=environment["id"])["items"]) == 1

    with steps.step("operations", "found by their search attributes"):
        for run in (compose, restore):
            query = f'OperationRunId = "{run["id"]}" AND EnvironmentId = "{environment["id"]}"'
            query += f' AND OperationType = "{run["type"]}" AND OperationOutcome = "succeeded"'
            found = partial(temporal, "workflow", "list", "--query", query)
            wait_for(found, what=f"Temporal to find {query}", patience=SEEN_WITHIN)


def test_the_namespace_keeps_what_the_file_says(topology: Topology, temporal: TemporalCli) -> None:
    described = temporal("operator", "namespace", "describe", "--namespace", "default")
    said = topology.file.services["temporal"].environment["DEFAULT_NAMESPACE_RETENTION"]
    assert retention_of(described) == duration(said) == timedelta(hours=72)


def test_every_process_is_there(topology: Topology, temporal: TemporalCli) -> None:
    web = [process for process in topology.family("web") if process.status() != "zombie"]
    assert len(web) == 2
    described = temporal("schedule", "describe", "--schedule-id", SWEEP_SCHEDULE)
    assert described["schedule"]["action"]["startWorkflow"]["taskQueue"]["name"] == "operation-runs-sweep"

    def asking() -> bool:
        said = temporal("task-queue", "describe", "--task-queue", "operation-runs")
        pollers = {poller["identity"].partition("@")[0] for poller in said["pollers"]}
        return pollers == {str(topology.pid(name)) for name in topology.workers()}

    wait_for(asking, what="both workers to ask for work", patience=SEEN_WITHIN)
