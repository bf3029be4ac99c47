"""No transaction stays open while a repository is asked: a slow remote holds no lock and no connection."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.faults.operations import restorable, workflow_id_of
from tests.slow_remotes import gate_of, held_restore, slow_git
from tests.system import System, up, wait_for
from tests.temporal_cli import TemporalCli

pytestmark = pytest.mark.feature

# PostgreSQL ends a session that is idle inside a transaction for a third of the time that git takes.
SECONDS = 2.1
LIMIT = {"PGOPTIONS": f"-c idle_in_transaction_session_timeout={SECONDS * 1000 / 3:.0f}"}
ENDED = "terminating connection due to idle-in-transaction timeout"


@pytest.fixture(scope="module")
def slow(server_folder: Path) -> Iterator[System]:
    """A system that reaches every repository slowly, and may not leave a transaction idle meanwhile."""
    environment = slow_git(server_folder / "slow git", seconds=SECONDS) | LIMIT
    with up(server_folder / "slow", environment=environment) as system:
        yield system


@pytest.fixture(autouse=True)
def _none_is_ended(slow: System) -> Iterator[None]:
    log = slow.ready_file.parent / "data" / "logs" / "postgres.log"
    begin = log.stat().st_size
    yield
    said = log.read_bytes()[begin:].decode()
    assert ENDED not in said, "a transaction stayed open while something slow was asked"


def test_this_system_ends_what_is_idle(slow: System) -> None:
    """Otherwise the others would prove nothing."""
    with psycopg.connect(slow.ready["database_url"], options=LIMIT["PGOPTIONS"]) as connection:
        limit = connection.execute("SHOW idle_in_transaction_session_timeout").fetchone()
    assert limit == (f"{SECONDS * 1000 / 3:.0f}ms",)


def test_restores_are_planned_and_executed(slow: System) -> None:
    _, environment, plan = restorable(slow)
    assert slow.settled(slow.restore(environment, plan))["outcome"] == "succeeded"


def test_reviews_are_composed(slow: System) -> None:
    environment = slow.environment(slow.repository({"a.conf": "1"}).url)
    assert slow.settled(slow.compose(environment))["outcome"] == "succeeded"


def test_what_ended_without_its_code_is_settled_by_the_sweep(slow: System) -> None:
    repository, _, run = held_restore(slow)
    TemporalCli(slow).terminate(workflow_id_of(run))
    # Otherwise its attempt, which the remote holds, could still record the result.
    slow.kill_worker()
    gate_of(repository).touch()
    ended = slow.settled(run)
    assert ended["context"]["reconciliation"]["source"] == "sweep"


def test_a_run_is_checked_from_the_web(slow: System) -> None:
    _, environment, plan = restorable(slow)
    run = slow.settled(slow.restore(environment, plan))
    temporal = TemporalCli(slow)
    wait_for(lambda: temporal.status(workflow_id_of(run)) == "completed", what="its workflow to close")
    for dry_run in (True, False):
        checked = slow.post(f"/operations/{run['id']}/reconcile", {"dry_run": dry_run}, expect=200)
        assert checked["decision"]["outcome"] == "succeeded"
