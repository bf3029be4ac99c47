"""Workflows that borrow a run's id, on a real Temporal: whatever becomes of them, no row changes (law L6)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.database.session import Database
from tests.engine.borrowed import LONG, Borrowing, Stage, borrowings, whole_rows
from tests.engine.temporal_server import TemporalServer, closed_by
from tests.system import wait_for
from tests.world import World
from workflows import failure_bridge

SOON = timedelta(seconds=1)
AT_ONCE = SimpleNamespace(deadline=timedelta(0))
REFUSED = "run_refused"
ENDINGS = {
    "it runs": REFUSED,
    "cancelled before its first step": REFUSED,
    "cancelled in its first step": REFUSED,
    "past its deadline before its first step": REFUSED,
    "terminated": "terminated",
    "timed out": "timed_out",
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database.connect(database_url, pool_size=64)
    yield database
    database.close()


@pytest.fixture
def stage(temporal_server: TemporalServer, database: Database, tmp_path: Path) -> Stage:
    return Stage(server=temporal_server, database=database, folder=tmp_path, queue=f"borrowed-{uuid4()}")


@pytest.fixture
def ending(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the workflows of a test end; a deadline of none passes before their first step."""
    name = str(request.param)
    if name == "past its deadline before its first step":
        monkeypatch.setattr(failure_bridge, "OperationCatalog", SimpleNamespace(get=lambda _: AT_ONCE))
    return name


@pytest.mark.parametrize("ending", ENDINGS, indirect=True)
def test_no_row_changes_by_a_workflow_that_is_not_its_own(stage: Stage, world: World, ending: str) -> None:
    every = borrowings(world)
    for run in {each.run.id: each.run for each in every if each.is_held}.values():
        stage.start_own(run)
    stage.sweep()
    before = whole_rows(stage.database)

    started = start_all(stage, every, SOON if ending == "timed out" else LONG)
    with ended(stage, list(started), ending), stage.working():
        closed = stage.endings(list(started))

    assert {started[each].name: how for each, how in closed.items() if how != ENDINGS[ending]} == {}
    stage.sweep()
    assert whole_rows(stage.database) == before


def start_all(stage: Stage, every: list[Borrowing], timeout: timedelta) -> dict[str, Borrowing]:
    """Start all of them; Temporal itself refuses those whose very id is that of an open workflow."""
    begun = [
        stage.start(each.workflow_id, each.operation_type, each.given, queue=stage.queue, timeout=timeout)
        for each in every
    ]
    assert begun == [not each.is_held for each in every]
    return {each.workflow_id: each for each in every if not each.is_held}


@contextmanager
def ended(stage: Stage, workflow_ids: list[str], ending: str) -> Iterator[None]:
    """End workflows from outside, before or while a worker is there."""
    engine = stage.server.engine
    if ending == "cancelled in its first step":
        with cancelled_in_their_first_step(stage, workflow_ids):
            yield
        return
    for workflow_id in workflow_ids:
        if ending == "cancelled before its first step":
            assert engine.cancel(workflow_id)
        if ending == "terminated":
            engine.terminate(workflow_id, "for a test")
        if ending == "timed out":
            assert stage.server.closed(workflow_id).execution == closed_by("timed_out")
    stage.sweep()
    yield


@contextmanager
def cancelled_in_their_first_step(stage: Stage, workflow_ids: list[str]) -> Iterator[None]:
    """Hold the ledger until every workflow is at its first step and its cancellation is requested."""
    engine = stage.server.engine

    def step_of(workflow_id: str) -> str | None:
        return engine.describe(workflow_id).step

    def cancel() -> None:
        with stage.database.transaction() as session:
            session.execute(text("LOCK TABLE operation_runs IN ACCESS EXCLUSIVE MODE"))
            held.set()
            for workflow_id in workflow_ids:
                wait_for(partial(step_of, workflow_id), what="its first step")
                assert engine.cancel(workflow_id)

    held = Event()
    with ThreadPoolExecutor(1) as pool:
        stage.sweep()
        cancelling = pool.submit(cancel)
        held.wait()
        yield
        cancelling.result()
