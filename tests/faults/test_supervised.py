"""`operationrun up` starts a worker that was killed again, and the next one carries on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.process.fault_injection import ON, SWITCH
from tests.faults.crew import Orders
from tests.faults.operations import begin
from tests.faults.settled import assert_settled
from tests.system import System, up

PATIENCE = 15.0

pytestmark = [pytest.mark.faults, pytest.mark.whole_lane]


@pytest.fixture(scope="module")
def orders(server_folder: Path) -> Orders:
    return Orders(server_folder / "orders")


@pytest.fixture(scope="module")
def supervised(server_folder: Path, orders: Orders) -> Iterator[System]:
    """A whole system whose worker obeys the orders."""
    with up(server_folder / "supervised", environment={SWITCH: f"{ON}:{orders.folder}"}) as system:
        yield system


@pytest.mark.parametrize(
    ("operation_type", "point"),
    [
        ("restore.execute", "restore.before_push"),
        ("restore.execute", "restore.before_record"),
        ("environment.review.compose", "compose.before_insert"),
    ],
)
def test_the_next_worker_of_up_carries_on(
    supervised: System, orders: Orders, operation_type: str, point: str
) -> None:
    killed = supervised.ready["pids"]["worker"]
    orders.kill_at(point)
    run = begin(supervised, operation_type)

    supervised.next_worker(killed)

    assert supervised.settled(run, patience=PATIENCE)["outcome"] == "succeeded"
    assert_settled(supervised, [run])
