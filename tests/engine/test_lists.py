"""What the engine lists: workflows to look at, and queues."""

from datetime import timedelta
from uuid import uuid4

from models.base import utc_now
from tests.engine.stand_ins import NOBODY
from tests.engine.temporal_world import TemporalWorld
from tests.system import wait_for


def test_abnormal_closings_are_candidates_newest_first(temporal_world: TemporalWorld) -> None:
    since = utc_now()
    failed = temporal_world.run_to_end("fail")
    cancelled = temporal_world.start("wait")
    temporal_world.engine.cancel(cancelled)
    temporal_world.closed(cancelled)
    timed_out = temporal_world.start("wait", execution_timeout=timedelta(seconds=1))
    temporal_world.closed(timed_out)
    terminated = temporal_world.start("wait")
    temporal_world.engine.terminate(terminated, "for a test")
    completed, running = temporal_world.run_to_end("complete"), temporal_world.start("wait")

    expected = [terminated, timed_out, cancelled, failed]
    listed = wait_for(
        lambda: (
            found if len(found := temporal_world.engine.closed_abnormally(since, limit=50)) >= 4 else None
        ),
        what="four candidates",
    )

    assert listed == expected
    assert not {completed, running} & set(listed)
    assert temporal_world.engine.closed_abnormally(since, limit=2) == expected[:2]
    assert temporal_world.engine.closed_abnormally(utc_now() + timedelta(minutes=1), limit=50) == []


def test_open_workflows_are_candidates_and_foreign_ones_are_not(temporal_world: TemporalWorld) -> None:
    since = utc_now()
    foreign = f"somebody-elses-{uuid4()}"
    temporal_world.connection.call(
        lambda client: client.start_workflow("anything", id=foreign, task_queue=NOBODY)
    )
    ours = [temporal_world.start("wait", queue=NOBODY) for _ in range(3)]
    temporal_world.run_to_end("complete")

    wait_for(
        lambda: set(temporal_world.engine.open_workflows(since, limit=50)) == set(ours),
        what="exactly our three open ones to be listed",
    )

    assert len(temporal_world.engine.open_workflows(since, limit=2)) == 2


def test_a_queue_with_a_worker_shows_it(temporal_world: TemporalWorld) -> None:
    view = wait_for(
        lambda: view if (view := temporal_world.engine.queue(temporal_world.queue)).pollers else None,
        what="a poller",
    )
    assert view.pollers == 1
    assert view.last_polled_at is not None
    assert utc_now() - view.last_polled_at < timedelta(minutes=2)


def test_a_queue_without_a_worker_shows_what_waits(temporal_world: TemporalWorld) -> None:
    queue = f"forgotten-{uuid4()}"
    for _ in range(7):
        temporal_world.start("complete", queue=queue)

    view = wait_for(
        lambda: view if (view := temporal_world.engine.queue(queue)).backlog == 7 else None,
        what="a backlog of 7",
    )

    assert (view.pollers, view.last_polled_at) == (0, None)
    assert 0 < view.oldest_waits < 60
