"""Workers of one system of which some go through a pooler: each carries on what another left."""

import pytest

from models.catalog import OperationType
from tests.faults.crew import Crew, Orders
from tests.faults.operations import begin
from tests.faults.settled import assert_settled
from tests.left_out import leave_out
from tests.system import System

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("survives", ["direct", "pooled"])
def test_one_carries_on_what_the_other_left(
    system: System, crew: Crew, orders: Orders, survives: str
) -> None:
    if crew.pooled_url is None:
        leave_out("workers behind PgBouncer", without="Install pgbouncer to test it.")
    crew.muster(1, pooled=int(survives == "direct"))
    orders.kill_at("restore.after_push")
    run = begin(system, OperationType.RESTORE_EXECUTE)
    assert crew.bury().pooled is (survives == "direct")

    (survivor,) = crew.muster(1, pooled=int(survives == "pooled"))

    assert survivor.pooled is (survives == "pooled")
    assert system.settled(run)["outcome"] == "succeeded"
    assert_settled(system, [run])
