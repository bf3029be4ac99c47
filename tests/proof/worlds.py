"""The worlds that are explored to their ends, each by what may happen in it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from tests.proof.explore import Explored, explore
from tests.proof.laws import check_state, is_settled
from tests.proof.moves import successors
from tests.proof.programs import forget, instead_of_the_surroundings
from tests.proof.replay import Node
from tests.proof.scene import objects, queued_run
from tests.proof.workflow_code import BORROWING, REPEATING, RESTORING, Execution
from tests.proof.world import BRANCH, Mishaps, Remote, Workflow, World

_TIME: Final = 6


def beginning(
    mishaps: Mishaps, *executions: Execution, takes: str = "tickets", statements: bool = False
) -> World:
    """Return the world in which Temporal has just taken these workflows."""
    workflows = tuple(
        Workflow(each.correlation.workflow_id, Node("workflow", each)) for each in executions or (RESTORING,)
    )
    remote = Remote(((BRANCH, objects().live),), takes=takes)
    return World(0, (queued_run(),), remote, workflows, (), mishaps, statements)


def search(world: World) -> Explored:
    """Explore a world to its end."""
    forget()
    with instead_of_the_surroundings():
        return explore(world, successors, check_state, is_end=is_settled)


Worlds = Mapping[str, Callable[[], World]]
SMALL: Final[Worlds] = {
    "nothing happens, statement by statement": partial(beginning, Mishaps(), statements=True),
    "an answer is lost": partial(beginning, Mishaps(lost=1)),
    "an attempt or a sweep is killed": partial(beginning, Mishaps(kill=1)),
}
WHOLE: Final[Worlds] = {
    **SMALL,
    "a workflow borrows the id, and is cancelled": partial(
        beginning, Mishaps(cancel=1), RESTORING, BORROWING
    ),
    "the same restore is started directly": partial(beginning, Mishaps(attempts=2), RESTORING, REPEATING),
    "the server dies half-way, a push is refused": partial(beginning, Mishaps(half=1, refused=1)),
    "two attempts": partial(beginning, Mishaps(attempts=2, zombie=1, sweeps=0)),
    "two sweeps after a termination": partial(beginning, Mishaps(sweeps=2, terminate=1)),
    "the workflow is terminated, an answer lost": partial(beginning, Mishaps(lost=1, terminate=1)),
    "the workflow is terminated, a process killed": partial(beginning, Mishaps(kill=1, terminate=1)),
    "the database is lost": partial(beginning, Mishaps(database=1), statements=True),
    "other authors push": partial(beginning, Mishaps(unrelated=1, conflict=1, sweeps=0)),
    "an operator checks after another author": partial(beginning, Mishaps(conflict=1, checks=1, sweeps=0)),
    "the remote is out of reach": partial(beginning, Mishaps(unreachable=1, time=_TIME)),
    "the remote takes no tickets": partial(beginning, Mishaps(lost=1, time=_TIME), takes="no tickets"),
    "the remote moves one ref at a time": partial(beginning, Mishaps(lost=1, time=_TIME), takes="one ref"),
}
