import threading
from uuid import UUID

from services.reports.kept.render_queue import WAITING_PER_WORKSPACE, RenderQueue
from tests.system import wait_for

LOUD, QUIET = (UUID(int=place) for place in range(2))


class Held:
    """A queue whose first work is held, so that what is queued behind it has an order."""

    def __init__(self) -> None:
        self.queue = RenderQueue()
        self.done: list[str] = []
        self.go = threading.Event()
        begun = threading.Event()

        def hold() -> None:
            begun.set()
            assert self.go.wait(20)

        self.queue.submit(LOUD, "held", hold)
        assert begun.wait(20)

    def submit(self, workspace: UUID, name: str) -> None:
        self.queue.submit(workspace, name, lambda: self.done.append(name))

    def finish(self, count: int) -> list[str]:
        self.go.set()
        wait_for(lambda: len(self.done) >= count, what="the queue to be empty")
        return self.done


def test_one_workspace_does_not_take_the_turn_of_another() -> None:
    held = Held()
    for place in range(20):
        held.submit(LOUD, f"loud {place}")
    held.submit(QUIET, "quiet")
    assert held.finish(21).index("quiet") <= 1


def test_the_same_work_is_queued_once_also_while_it_is_under_way() -> None:
    held = Held()
    held.submit(LOUD, "held")
    for _ in range(3):
        held.submit(LOUD, "one")
    held.submit(LOUD, "last")
    assert held.finish(2) == ["one", "last"]


def test_a_workspace_has_so_much_waiting_and_no_more() -> None:
    held = Held()
    for place in range(3 * WAITING_PER_WORKSPACE):
        held.submit(LOUD, str(place))
    held.submit(QUIET, "quiet")
    held.finish(WAITING_PER_WORKSPACE + 1)
    again = threading.Event()
    held.queue.submit(QUIET, "after", again.set)
    assert again.wait(20)
    assert len(held.done) == WAITING_PER_WORKSPACE + 1


def test_work_that_fails_stops_no_other() -> None:
    held = Held()
    held.queue.submit(LOUD, "bad", lambda: 1 / 0)
    held.submit(LOUD, "good")
    assert held.finish(1) == ["good"]
