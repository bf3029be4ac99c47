"""Starts whose answer is lost, that never arrive, or that nobody takes (section 5)."""

from collections.abc import Iterator

import pytest

from models.catalog import OperationType
from tests.faults.crew import Crew
from tests.faults.lossy_proxy import LossyProxy
from tests.faults.operations import begin, restorable, workflow_id_of
from tests.faults.settled import assert_settled, commits_of
from tests.faults.web_process import web_process
from tests.system import System
from tests.temporal_cli import TemporalCli

pytestmark = pytest.mark.faults

# The sweep waits ten seconds before it takes a start for lost, and comes every four.
DISPATCHED_AGAIN_WITHIN = 25.0


@pytest.fixture(scope="module")
def proxy(system: System) -> Iterator[LossyProxy]:
    with LossyProxy(system.ready["temporal_address"]).running() as proxy:
        yield proxy


@pytest.fixture(scope="module")
def behind_proxy(system: System, proxy: LossyProxy) -> Iterator[System]:
    """The same system, spoken to through a web process that reaches Temporal by the proxy."""
    with web_process(system, OPERATIONRUN_TEMPORAL_ADDRESS=proxy.address) as client:
        yield System(ready_file=system.ready_file, repositories=system.repositories, client=client)


@pytest.mark.whole_lane
def test_a_run_waits_for_a_worker_and_is_not_settled(system: System, crew: Crew) -> None:
    crew.muster(0)
    runs = [begin(system, operation_type) for operation_type in OperationType]

    for run in runs:
        checked = system.post(f"/operations/{run['id']}/reconcile", {"dry_run": False}, expect=200)
        assert checked["result"] == "no_decision"
        waiting = system.get(f"/operations/{run['id']}")
        assert (waiting["status"], waiting["outcome"]) == ("queued", "pending")

    crew.muster(1)
    for run in runs:
        assert system.settled(run)["outcome"] == "succeeded"
    assert_settled(system, runs)


def test_a_start_whose_answer_is_lost_is_found_out(
    system: System, behind_proxy: System, proxy: LossyProxy, crew: Crew, temporal: TemporalCli
) -> None:
    crew.muster(0)
    repository, environment, plan = restorable(system)
    warm = begin(behind_proxy, OperationType.ENVIRONMENT_REVIEW_COMPOSE)
    proxy.loses_answers = True
    try:
        run = behind_proxy.restore(environment, plan)
    finally:
        proxy.loses_answers = False

    waiting = system.get(f"/operations/{run['id']}")
    assert (waiting["status"], waiting["context"]["dispatch"]["dispatched_at"]) == ("queued", None)
    assert temporal.status(workflow_id_of(run)) == "running"

    crew.muster(1)
    ended = system.settled(run)
    assert (ended["outcome"], len(commits_of(repository.path)[run["id"]])) == ("succeeded", 1)
    assert ended["context"]["dispatch"]["dispatched_at"]
    system.settled(warm)
    assert_settled(system, [warm, run])


@pytest.mark.whole_lane
def test_a_start_that_never_arrived_is_sent_again(
    system: System, behind_proxy: System, proxy: LossyProxy, crew: Crew
) -> None:
    crew.muster(1)
    repository, environment, plan = restorable(system)
    warm = system.settled(begin(behind_proxy, OperationType.ENVIRONMENT_REVIEW_COMPOSE))
    proxy.loses_requests = True
    try:
        run = behind_proxy.restore(environment, plan)
    finally:
        proxy.loses_requests = False

    ended = system.settled(run, patience=DISPATCHED_AGAIN_WITHIN)
    assert (ended["outcome"], len(commits_of(repository.path)[run["id"]])) == ("succeeded", 1)
    assert ended["context"]["dispatch"]["dispatched_at"]
    assert_settled(system, [warm, run])
