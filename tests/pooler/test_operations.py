"""Both operations, end to end, of a system whose every process goes through the pooler."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psutil
import pytest

from models.catalog import OperationType
from tests.faults.crew import Crew, Orders
from tests.faults.operations import restorable, workflow_id_of
from tests.faults.settled import assert_settled, commits_of
from tests.pgbouncer import POOL_SIZE
from tests.system import Json, System, wait_for
from tests.temporal_cli import TemporalCli

pytestmark = pytest.mark.pooler

AT_ONCE = 4 * POOL_SIZE


def test_many_of_both_succeed_at_once(system: System, crew: Crew) -> None:
    workers = crew.muster(2)
    starts = [_ready_to_start(system, each) for each in list(OperationType) * (AT_ONCE // 2)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = list(pool.map(lambda start: start(), starts))

    ended = [system.settled(run) for run in runs]

    assert [run["outcome"] for run in ended] == ["succeeded"] * AT_ONCE
    assert_settled(system, runs)
    for worker in workers:
        assert _goes_through_the_pooler_alone(system, worker.pid)


@pytest.mark.parametrize("point", ["compose.before_insert", "restore.before_push"])
def test_two_attempts_at_once_have_one_effect(
    system: System, crew: Crew, orders: Orders, temporal: TemporalCli, point: str
) -> None:
    """A worker that was silent goes on while another attempts the same activity."""
    crew.muster(1)
    orders.stop_at(point)
    repository, environment, plan = restorable(system)
    restores = point.startswith("restore.")
    run = system.restore(environment, plan) if restores else system.compose(environment)
    silent = crew.stopped()
    crew.hire().await_ready()
    wait_for(lambda: _attempts(temporal, run) > 1, what="the other worker to attempt it")
    silent.resume()

    ended = system.settled(run)

    assert ended["outcome"] == "succeeded"
    assert len(commits_of(repository.path)[run["id"]]) == int(restores)
    assert_settled(system, [run])


def _ready_to_start(system: System, operation_type: str) -> Callable[[], Json]:
    _, environment, plan = restorable(system)
    if operation_type == OperationType.RESTORE_EXECUTE:
        return lambda: system.restore(environment, plan)
    return lambda: system.compose(environment)


def _attempts(temporal: TemporalCli, run: Json) -> int:
    described = temporal("workflow", "describe", "--workflow-id", workflow_id_of(run))
    pending = described.get("pendingActivities", [])
    ended = described["workflowExecutionInfo"]["status"] != "WORKFLOW_EXECUTION_STATUS_RUNNING"
    return max((activity.get("attempt", 1) for activity in pending), default=2 if ended else 0)


def _goes_through_the_pooler_alone(system: System, pid: int) -> bool:
    """Return whether a process has connections to the pooler, and none to PostgreSQL."""
    ports = {
        end.raddr.port for end in psutil.Process(pid).net_connections("tcp") if end.status == "ESTABLISHED"
    }
    database = psutil.Process(system.ready["pids"]["postgres"])
    of_database = {end.laddr.port for end in database.net_connections("tcp") if end.status == "LISTEN"}
    return urlsplit(system.ready["database_url"]).port in ports and not ports & of_database
