"""Repositories that say no, move under the plan, or do not answer: what is true afterwards is told."""

from pathlib import Path

import pytest

from tests.faults.crew import Crew
from tests.faults.operations import RELEASE, restorable
from tests.faults.settled import assert_settled, commits_of
from tests.git_repository import GitRepository
from tests.slow_remotes import TO_A_BRANCH, gate_of, silence, speak
from tests.system import Json, System, wait_for

pytestmark = pytest.mark.faults

# git may take 45 s for a fetch and 60 s for a push (services/repositories/transport.py).
HANGS_FOR = 90.0


@pytest.mark.whole_lane
def test_a_refused_push_blocks_the_restore(system: System, crew: Crew) -> None:
    crew.muster(1)
    repository, environment, plan = restorable(system)
    head = repository.read("rev-parse", "main")
    repository.hook("pre-receive", "echo 'fatal: refs/heads/main is protected' >&2; exit 1")

    run = system.settled(system.restore(environment, plan))

    assert (run["outcome"], run["message"]["code"]) == ("blocked", "push_refused")
    assert repository.read("rev-parse", "main") == head
    assert_settled(system, [run])


def test_a_branch_that_moves_elsewhere_under_the_push_is_restored_on_its_new_head(
    system: System, crew: Crew
) -> None:
    crew.muster(1)
    repository, run = _pushing(system)
    moved = repository.commit({"b.conf": "somebody else's"})
    gate_of(repository).touch()

    ended = system.settled(run)

    assert ended["outcome"] == "succeeded"
    assert repository.read("rev-parse", "main^") == moved
    assert (repository.read("show", "main:a.conf"), repository.read("show", "main:b.conf")) == (
        "1",
        "somebody else's",
    )
    assert_settled(system, [run])


def test_a_planned_item_that_moves_under_the_push_holds_the_restore_back(system: System, crew: Crew) -> None:
    crew.muster(1)
    repository, run = _pushing(system)
    moved = repository.commit({"a.conf": "somebody else's"})
    gate_of(repository).touch()

    ended = system.settled(run)

    assert (ended["outcome"], ended["message"]["code"]) == ("blocked", "environment_changed")
    assert ended["context"]["reconciliation"]["evidence"]["changed_items"] == ["a.conf"]
    assert repository.read("rev-parse", "main") == moved
    assert_settled(system, [run])


@pytest.mark.whole_lane
def test_remotes_that_hang_end_their_runs(system: System, crew: Crew) -> None:
    crew.muster(1)
    hanging_push, pushing = _pushing(system)
    silent, environment, plan = restorable(system)
    silence(silent)
    fetching = system.restore(environment, plan)
    unread = system.repository({"a.conf": "1"})
    composing_in = system.environment(unread.url)
    silence(unread)
    composing = system.compose(composing_in)

    runs = [system.settled(run, patience=HANGS_FOR) for run in (fetching, composing, pushing)]

    assert [run["outcome"] for run in runs] == ["failed", "failed", "failed"]
    assert {run["message"]["code"] for run in runs} == {"environment_unreachable"}
    speak(silent)
    speak(unread)
    gate_of(hanging_push).touch()
    assert commits_of(hanging_push.path) == {}
    assert_settled(system, runs)


@pytest.mark.whole_lane
def test_a_push_that_hangs_and_was_taken_is_found_out(system: System, crew: Crew) -> None:
    """The remote takes the commit, and its answer never comes."""
    crew.muster(1)
    repository, environment, plan = restorable(system)
    repository.hook("post-receive", "exec sleep 600")

    run = system.settled(system.restore(environment, plan), patience=HANGS_FOR)

    assert (run["outcome"], run["message"]["code"]) == ("succeeded", "restore_applied")
    assert len(commits_of(repository.path)[run["id"]]) == 1
    assert_settled(system, [run])


def _pushing(system: System) -> tuple[GitRepository, Json]:
    """Return a restore whose first push to the branch waits at the remote; pushes after it pass."""
    repository, environment, _ = restorable(system)
    plan = system.plan(environment, RELEASE, "overlay", ["a.conf"])
    gate, first = gate_of(repository), repository.path.with_suffix(".first")
    repository.hook(
        "pre-receive",
        f"if {TO_A_BRANCH} && mkdir {first} 2>/dev/null; then while [ ! -e {gate} ]; do sleep 0.05; done; fi",
    )
    run = system.restore(environment, plan)
    wait_for(Path(first).exists, what="the push to be under way")
    return repository, run
