"""The small worlds of `make prove`, and a history that shows each broken rule."""

from collections.abc import Callable

import pytest

from tests.proof.mutants import MUTANTS, find
from tests.proof.world import World
from tests.proof.worlds import SMALL, search


@pytest.mark.parametrize("world", SMALL.values(), ids=SMALL)
def test_no_history_of_a_small_world_breaks_a_law(world: Callable[[], World]) -> None:
    found = search(world())
    assert found.history == ()
    assert found.violation is None
    assert found.transitions > len(found.states) > 100


@pytest.mark.parametrize(("law", "name"), MUTANTS, ids=[law for law, _ in MUTANTS])
def test_a_history_shows_a_broken_rule(law: str, name: str) -> None:
    found = find(law, name)
    assert found.violation is not None
    assert found.violation.law == law
