"""The worlds that are explored to their ends, each by what may happen in it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from tests.proof.beginnings import beginning, restore
from tests.proof.executions import BORROWING, REPEATING, RESTORING
from tests.proof.explore import Explored, explore
from tests.proof.laws import check_state, is_settled
from tests.proof.moves import successors
from tests.proof.programs import forget
from tests.proof.reasons import OF_REASONS
from tests.proof.surroundings import instead_of_the_surroundings
from tests.proof.world import Mishaps, World

_TIME: Final = 6


def search(world: World) -> Explored:
    """Explore a world to its end."""
    forget()
    with instead_of_the_surroundings():
        return explore(world, successors, check_state, is_end=is_settled)


Worlds = Mapping[str, Callable[[], World]]
SMALL: Final[Worlds] = {
    "nothing happens, statement by statement": restore(statements=True),
    "an answer is lost": restore(lost=1),
    "an attempt or a sweep is killed": restore(kill=1),
}
WHOLE: Final[Worlds] = {
    **SMALL,
    "a workflow borrows the id, and is cancelled": partial(
        beginning, Mishaps(cancel=1), RESTORING, direct=[BORROWING]
    ),
    "the same restore is started directly": partial(
        beginning, Mishaps(attempts=2), RESTORING, direct=[REPEATING]
    ),
    "the server dies half-way, a push is refused": restore(half=1, refused=1),
    "two attempts": restore(attempts=2, zombie=1, sweeps=0),
    "two sweeps after a termination": restore(sweeps=2, terminate=1),
    "the workflow is terminated, an answer lost": restore(lost=1, terminate=1),
    "the workflow is terminated, a process killed": restore(kill=1, terminate=1),
    "the database is lost": restore(database=1, statements=True),
    "other authors push": restore(unrelated=1, conflict=1, sweeps=0),
    "an operator checks after another author": restore(conflict=1, checks=1, sweeps=0),
    "the remote is out of reach": restore(unreachable=1, time=_TIME),
    "the remote takes no tickets": restore(lost=1, time=_TIME, takes="no tickets"),
    "the remote moves one ref at a time": restore(lost=1, time=_TIME, takes="one ref"),
    **OF_REASONS,
}
