"""A worker killed at every named point of both workflows: the next one carries it to its end."""

import pytest

from services.kill_points import KILL_POINTS
from tests.faults.crew import Crew, Orders
from tests.faults.operations import FILES, Files, begin, workflow_id_of
from tests.faults.recoveries import Recoveries
from tests.faults.settled import assert_settled
from tests.system import MANY, System
from tests.temporal_cli import TemporalCli

pytestmark = pytest.mark.faults

TYPES = {"compose": "environment.review.compose", "restore": "restore.execute"}
# Where most would go wrong: the commit is there and unrecorded; the review is written and not committed; or
# it is committed, and its only step could not say so.
SOON = {"restore.after_push", "compose.before_commit", "compose.after_commit"}
POINTS = [
    pytest.param(point, FILES, id=point, marks=[] if point in SOON else pytest.mark.whole_lane)
    for point in KILL_POINTS
] + [
    pytest.param(point, MANY | FILES, id=f"{point} in two steps", marks=pytest.mark.whole_lane)
    for point in KILL_POINTS
    if point.startswith("compose.")
]
PATIENCE = 15.0


@pytest.mark.parametrize(("point", "files"), POINTS)
def test_the_next_worker_carries_on(
    system: System, crew: Crew, orders: Orders, recoveries: Recoveries, point: str, files: Files
) -> None:
    crew.muster(1)
    orders.kill_at(point)
    run = begin(system, TYPES[point.split(".", maxsplit=1)[0]], files)
    crew.bury()

    (successor,) = crew.muster(1)

    ended = system.settled(run, patience=PATIENCE)
    recoveries.note(f"killed at {point}, then another worker", since=successor.ready_at, ended=[ended])
    assert ended["outcome"] == "succeeded"
    assert_settled(system, [run])
    # The console says what the run says.
    assert TemporalCli(system).status(workflow_id_of(run)) == "completed"


@pytest.mark.whole_lane
@pytest.mark.parametrize("point", KILL_POINTS)
def test_the_other_worker_carries_on(
    system: System, crew: Crew, orders: Orders, recoveries: Recoveries, point: str
) -> None:
    crew.muster(2)
    orders.kill_at(point)
    run = begin(system, TYPES[point.split(".", maxsplit=1)[0]])
    dead = crew.bury()

    ended = system.settled(run, patience=PATIENCE)
    recoveries.note(f"killed at {point}, another worker beside it", since=dead.died_at, ended=[ended])
    assert ended["outcome"] == "succeeded"
    assert_settled(system, [run])


@pytest.mark.whole_lane
def test_a_worker_killed_at_every_point_in_turn_is_followed_to_the_end(
    system: System, crew: Crew, orders: Orders, recoveries: Recoveries
) -> None:
    crew.muster(1)
    for point in KILL_POINTS:
        orders.kill_at(point)
    runs = [begin(system, operation_type) for operation_type in TYPES.values()]
    while not all(orders.taken(point) for point in KILL_POINTS):
        crew.bury()
        (successor,) = crew.muster(1)

    ended = [system.settled(run, patience=PATIENCE) for run in runs]
    recoveries.note("killed at every point in turn", since=successor.ready_at, ended=ended)
    assert {run["outcome"] for run in ended} == {"succeeded"}
    assert_settled(system, runs)
