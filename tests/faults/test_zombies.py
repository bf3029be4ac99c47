"""A worker that is silent for long and comes back: its ticket is closed, and it pushes no more (law L11)."""

import pytest

from tests.faults.crew import Crew, Orders
from tests.faults.operations import restorable, workflow_id_of
from tests.faults.settled import assert_settled, commits_of, settlements
from tests.system import System, wait_for
from tests.temporal_cli import TemporalCli

pytestmark = pytest.mark.faults

POINT = "restore.before_push"
POINTS = ["restore.before_intent", "restore.after_ticket", POINT]


@pytest.mark.whole_lane
@pytest.mark.parametrize("point", POINTS)
def test_what_it_was_at_is_settled_and_it_pushes_no_more(
    system: System, crew: Crew, orders: Orders, temporal: TemporalCli, point: str
) -> None:
    crew.muster(1)
    orders.stop_at(point)
    repository, environment, plan = restorable(system)
    head = repository.read("rev-parse", "main")
    run = system.restore(environment, plan)
    zombie = crew.stopped()
    temporal.terminate(workflow_id_of(run))
    crew.hire().await_ready()

    ended = system.settled(run)
    zombie.resume()
    _let_it_finish(crew)

    assert (ended["outcome"], ended["message"]["code"]) == ("failed", "restore_not_applied")
    assert repository.read("rev-parse", "main") == head
    assert settlements(system, run["id"]) == [("failed", "restore_not_applied")]
    assert_settled(system, [run])


@pytest.mark.whole_lane
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_that_took_over_pushes_once(system: System, crew: Crew, orders: Orders, point: str) -> None:
    crew.muster(1)
    orders.stop_at(point)
    repository, environment, plan = restorable(system)
    run = system.restore(environment, plan)
    zombie = crew.stopped()
    crew.hire().await_ready()

    ended = system.settled(run)
    zombie.resume()
    _let_it_finish(crew)

    assert ended["outcome"] == "succeeded"
    assert len(commits_of(repository.path)[run["id"]]) == 1
    assert_settled(system, [run])


@pytest.mark.whole_lane
def test_one_that_wakes_before_anybody_took_over_loses_nothing(
    system: System, crew: Crew, orders: Orders
) -> None:
    """Its activity is given to the other worker, which closes its ticket, and the branch has one commit."""
    crew.muster(1)
    orders.stop_at(POINT)
    repository, environment, plan = restorable(system)
    run = system.restore(environment, plan)
    zombie = crew.stopped()
    crew.hire().await_ready()
    wait_for(lambda: _attempts(system, run["id"]) > 1, what="the other worker to take the activity over")
    zombie.resume()

    ended = system.settled(run)

    assert ended["outcome"] == "succeeded"
    assert len(commits_of(repository.path)[run["id"]]) == 1
    assert_settled(system, [run])


def _let_it_finish(crew: Crew) -> None:
    """Stop every worker: each finishes what it is at."""
    crew.muster(0)
    crew.muster(1)


def _attempts(system: System, run_id: str) -> int:
    temporal = TemporalCli(system)
    described = temporal(
        "workflow", "describe", "--workflow-id", f"operation-run.v1.restore.execute.{run_id}"
    )
    return max((activity.get("attempt", 1) for activity in described.get("pendingActivities", [])), default=0)
