"""The small worlds of `make prove`, and a history that shows each broken rule."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from models.reason_codes import ReasonCode
from tests.proof import replay
from tests.proof.explore import Explored
from tests.proof.mutants import MUTANTS, ON_SERVERS, find
from tests.proof.reasons import REACHED_IN, missed, reached
from tests.proof.world import World
from tests.proof.worlds import SMALL, WHOLE, search
from tools.broken_rules import MUTANTS as BROKEN_RULES

ROOT = Path(__file__).parents[2]
# Those of a second or less; `make prove` holds the others to their codes.
QUICK = (
    "a compose cannot reach the remote",
    "a compose fails by a bug",
    "a compose has nothing under its prefix",
    "a compose has too much to fetch",
    "a compose names no ref that is there",
    "a compose names what is no ref",
    "a compose passes its deadline",
    "a remote is out of reach for long",
    "a restore refuses every item",
    "a workflow without a run is adopted",
    "an attempt of a compose is given up",
    "two people request a restore",
    "two runs compose beside an archived review",
    "two runs compose one large review",
)


def test_every_reason_code_has_a_world_that_is_to_reach_it() -> None:
    assert {*REACHED_IN} == {*ReasonCode}
    assert {*REACHED_IN.values()} <= {*WHOLE}


@pytest.mark.parametrize("name", QUICK)
def test_a_world_reaches_the_reason_codes_that_it_is_there_for(name: str) -> None:
    found = search(WHOLE[name]())
    assert found.history == ()
    assert found.violation is None
    assert missed(name, reached(found)) == []


@pytest.mark.parametrize("world", SMALL.values(), ids=SMALL)
def test_no_history_of_a_small_world_breaks_a_law(world: Callable[[], World]) -> None:
    found = search(world())
    assert found.history == ()
    assert found.violation is None
    assert found.transitions > len(found.states) > 100


def test_joined_histories_reach_the_same_states_as_each_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    world = SMALL["an attempt or a sweep is killed"]
    joined = search(world())
    monkeypatch.setattr(replay, "JOINS", False)
    apart = search(world())
    assert len(apart.states) > len(joined.states)
    assert _seen_from_outside(joined) == _seen_from_outside(apart)


def _seen_from_outside(found: Explored) -> set[World]:
    """Return the states, of each process no more than what it does next."""
    return {
        state._replace(
            processes=tuple(process._replace(node=str(process.node.effect)) for process in state.processes),
            workflows=tuple(
                workflow._replace(node=str(workflow.node.effect)) for workflow in state.workflows
            ),
        )
        for state in found.states
    }


def test_each_breach_has_a_test_on_the_real_servers() -> None:
    in_source = {mutant.name: mutant.test for mutant in BROKEN_RULES}
    shown_by = {in_source[ON_SERVERS.get(name, name)] for _, name in MUTANTS}
    options = ["--collect-only", "-m", "pgsql or feature or faults", "-p", "no:cacheprovider"]
    collect = [sys.executable, "-m", "pytest", *options, *shown_by]
    listed = subprocess.run(collect, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {test for test in shown_by if test not in listed} == set()


@pytest.mark.parametrize(("law", "name"), MUTANTS, ids=[law for law, _ in MUTANTS])
def test_a_history_shows_a_broken_rule(law: str, name: str) -> None:
    found = find(law, name)
    assert found.violation is not None
    assert found.violation.law == law
