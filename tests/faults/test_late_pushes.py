"""A push that waits at the remote while everything that began it is gone (law L11)."""

import psutil
import pytest

from tests.faults.crew import Crew
from tests.faults.operations import workflow_id_of
from tests.faults.recoveries import Recoveries
from tests.faults.settled import assert_settled, commits_of, settlements
from tests.git_repository import GitRepository
from tests.slow_remotes import FROM_A_BRANCH_ON, TO_A_BRANCH, gate_of, held_restore
from tests.system import Json, System, wait_for
from tests.temporal_cli import TemporalCli

pytestmark = pytest.mark.faults


def test_it_never_lands_after_the_record_says_that_nothing_was_written(
    system: System, crew: Crew, temporal: TemporalCli, recoveries: Recoveries
) -> None:
    repository, run = _abandoned(system, crew, temporal, TO_A_BRANCH)
    head = repository.read("rev-parse", "main")
    crew.muster(1)

    ended = system.settled(run)
    _release(repository)

    recoveries.note("a push held at the remote", since=crew.workers[0].ready_at, ended=[ended])
    assert (ended["outcome"], ended["message"]["code"]) == ("failed", "restore_not_applied")
    assert repository.read("rev-parse", "main") == head
    assert ended["context"]["reconciliation"]["evidence"]["fence"] == "ticket"
    assert settlements(system, run["id"]) == [("failed", "restore_not_applied")]
    assert_settled(system, [run])


def test_a_remote_that_takes_no_push_keeps_the_run_open_and_then_tells_what_happened(
    system: System, crew: Crew, temporal: TemporalCli
) -> None:
    repository, run = _abandoned(system, crew, temporal, FROM_A_BRANCH_ON)
    crew.muster(1)

    asked = system.post(f"/operations/{run['id']}/reconcile", {"dry_run": True}, expect=200)
    checked = system.post(f"/operations/{run['id']}/reconcile", {"dry_run": False}, expect=200)

    assert (asked["result"], asked["decision"]["reason_code"]) == ("decision", "restore_not_applied")
    assert asked["facts"]["fence"] == checked["facts"]["fence"] == "needed"
    assert checked["result"] == "no_decision"
    _release(repository)
    ended = system.settled(run, patience=60)
    commits = commits_of(repository.path).get(run["id"], [])
    assert (ended["outcome"], len(commits)) in {("failed", 0), ("succeeded", 1)}
    assert_settled(system, [run])


def _abandoned(system: System, crew: Crew, temporal: TemporalCli, held: str) -> tuple[GitRepository, Json]:
    """Return a restore whose push waits at the remote, without a workflow and without a worker."""
    crew.muster(1)
    repository, _, run = held_restore(system, held)
    temporal.terminate(workflow_id_of(run))
    crew.kill(crew.workers[0])
    return repository, run


def _release(repository: GitRepository) -> None:
    """Let what waits at the remote go on, and see it to its end."""
    gate_of(repository).touch()
    wait_for(lambda: not _receiving(repository), what="the remote to be done with the push")


def _receiving(repository: GitRepository) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if {"git-receive-pack", "receive-pack"} & set(process.info["cmdline"] or ())
        and str(repository.path) in " ".join(process.info["cmdline"])
    ]
