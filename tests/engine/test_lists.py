"""What the engine lists: workflows to look at, and queues."""

from datetime import timedelta
from uuid import uuid4

from models.base import utc_now
from tests.engine.stand_ins import NOBODY
from tests.engine.temporal_server import TemporalServer
from tests.system import wait_for


def test_abnormal_closings_are_candidates_newest_first(temporal_server: TemporalServer) -> None:
    since = utc_now()
    failed = temporal_server.run_to_end("fail")
    cancelled = temporal_server.start("wait")
    temporal_server.engine.cancel(cancelled)
    temporal_server.closed(cancelled)
    timed_out = temporal_server.start("wait", execution_timeout=timedelta(seconds=1))
    temporal_server.closed(timed_out)
    terminated = temporal_server.start("wait")
    temporal_server.engine.terminate(terminated, "for a test")
    completed, running = temporal_server.run_to_end("complete"), temporal_server.start("wait")

    expected = [terminated, timed_out, cancelled, failed]
    listed = wait_for(
        lambda: (
            found if len(found := temporal_server.engine.closed_abnormally(since, limit=50)) >= 4 else None
        ),
        what="four candidates",
    )

    assert listed == expected
    assert not {completed, running} & set(listed)
    assert temporal_server.engine.closed_abnormally(since, limit=2) == expected[:2]
    assert temporal_server.engine.closed_abnormally(utc_now() + timedelta(minutes=1), limit=50) == []


def test_open_workflows_are_candidates_and_foreign_ones_are_not(temporal_server: TemporalServer) -> None:
    since = utc_now()
    foreign = f"somebody-elses-{uuid4()}"
    temporal_server.connection.call(
        lambda client: client.start_workflow("anything", id=foreign, task_queue=NOBODY)
    )
    ours = [temporal_server.start("wait", queue=NOBODY) for _ in range(3)]
    temporal_server.run_to_end("complete")

    wait_for(
        lambda: set(temporal_server.engine.open_workflows(since, limit=50)) == set(ours),
        what="exactly our three open ones to be listed",
    )

    assert len(temporal_server.engine.open_workflows(since, limit=2)) == 2


def test_a_queue_with_a_worker_shows_it(temporal_server: TemporalServer) -> None:
    view = wait_for(
        lambda: view if (view := temporal_server.engine.queue(temporal_server.queue)).pollers else None,
        what="a poller",
    )
    assert view.pollers == 1
    assert view.last_polled_at is not None
    assert utc_now() - view.last_polled_at < timedelta(minutes=2)


def test_a_queue_without_a_worker_shows_what_waits(temporal_server: TemporalServer) -> None:
    queue = f"forgotten-{uuid4()}"
    for _ in range(7):
        temporal_server.start("complete", queue=queue)

    view = wait_for(
        lambda: view if (view := temporal_server.engine.queue(queue)).backlog == 7 else None,
        what="a backlog of 7",
    )

    assert (view.pollers, view.last_polled_at) == (0, None)
    assert 0 < view.oldest_waits < 60
