"""What the engine lists: workflows to look at, and queues."""

from datetime import timedelta
from uuid import uuid4

from models.base import utc_now
from tests.feature.engine.engine_world import World
from tests.feature.engine.stand_ins import NOBODY
from tests.system import wait_for


def test_abnormal_closings_are_candidates_newest_first(world: World) -> None:
    since = utc_now()
    failed = world.run_to_end("fail")
    cancelled = world.start("wait")
    world.engine.cancel(cancelled)
    world.closed(cancelled)
    timed_out = world.start("wait", execution_timeout=timedelta(seconds=1))
    world.closed(timed_out)
    terminated = world.start("wait")
    world.engine.terminate(terminated, "for a test")
    completed, running = world.run_to_end("complete"), world.start("wait")

    expected = [terminated, timed_out, cancelled, failed]
    listed = wait_for(
        lambda: found if len(found := world.engine.closed_abnormally(since, limit=50)) >= 4 else None,
        what="four candidates",
    )

    assert listed == expected
    assert not {completed, running} & set(listed)
    assert world.engine.closed_abnormally(since, limit=2) == expected[:2]
    assert world.engine.closed_abnormally(utc_now() + timedelta(minutes=1), limit=50) == []


def test_open_workflows_are_candidates_and_foreign_ones_are_not(world: World) -> None:
    since = utc_now()
    foreign = f"somebody-elses-{uuid4()}"
    world.connection.call(lambda client: client.start_workflow("anything", id=foreign, task_queue=NOBODY))
    ours = [world.start("wait", queue=NOBODY) for _ in range(3)]
    world.run_to_end("complete")

    wait_for(
        lambda: set(world.engine.open_workflows(since, limit=50)) == set(ours),
        what="exactly our three open ones to be listed",
    )

    assert len(world.engine.open_workflows(since, limit=2)) == 2


def test_a_queue_with_a_worker_shows_it(world: World) -> None:
    view = wait_for(
        lambda: view if (view := world.engine.queue(world.queue)).pollers else None, what="a poller"
    )
    assert view.pollers == 1
    assert view.last_polled_at is not None
    assert utc_now() - view.last_polled_at < timedelta(minutes=2)


def test_a_queue_without_a_worker_shows_what_waits(world: World) -> None:
    queue = f"forgotten-{uuid4()}"
    for _ in range(7):
        world.start("complete", queue=queue)

    view = wait_for(
        lambda: view if (view := world.engine.queue(queue)).backlog == 7 else None, what="a backlog of 7"
    )

    assert (view.pollers, view.last_polled_at) == (0, None)
    assert 0 < view.oldest_waits < 60
