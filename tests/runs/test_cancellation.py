"""Cancelling and checking runs on the real servers, over HTTP (sections 5 and 7)."""

import pytest

from tests.slow_remotes import gate_of, held_restore, silence
from tests.system import Json, System, wait_for
from tests.temporal_cli import TemporalCli

LADDER = ("requested_at", "delivered_at", "acknowledged_at")


@pytest.fixture
def temporal(system: System) -> TemporalCli:
    return TemporalCli(system)


def silent_compose(system: System) -> Json:
    """Start composing from a repository that never answers, and wait until the work is under way."""
    repository = system.repository({"a.json": "1"})
    environment = system.environment(repository.url)
    silence(repository)
    return system.running(system.compose(environment))


def cancel(system: System, run: Json, *, expect: int = 202) -> Json:
    return system.post(f"/operations/{run['id']}/cancel", {}, expect=expect)


def reconcile(system: System, run: Json, *, dry_run: bool) -> Json:
    return system.post(f"/operations/{run['id']}/reconcile", {"dry_run": dry_run}, expect=200)


def show(system: System, run: Json) -> Json:
    return system.get(f"/operations/{run['id']}")


def test_a_queued_run_without_a_worker_stays_open_until_one_comes(idle_system: System) -> None:
    environment = idle_system.environment(idle_system.repository({"a.json": "1"}).url)
    run = idle_system.compose(environment)

    asked = cancel(idle_system, run)

    cancellation = asked["context"]["cancellation"]
    assert (asked["status"], asked["outcome"]) == ("queued", "pending")
    assert cancellation["delivered_at"]
    assert cancellation["acknowledged_at"] is None
    assert asked["message"]["code"] == "cancellation_requested"
    again = cancel(idle_system, run)
    assert again["context"] == show(idle_system, run)["context"] == asked["context"]
    assert reconcile(idle_system, run, dry_run=False)["result"] == "no_decision"
    assert show(idle_system, run)["status"] == "queued"

    with idle_system.worker():
        ended = idle_system.settled(run)

    assert (ended["outcome"], ended["message"]["code"]) == ("cancelled", "cancelled")
    assert idle_system.get("/reviews", environment=environment["id"])["items"] == []


def test_a_running_compose_is_cancelled_at_a_safe_point(system: System) -> None:
    run = silent_compose(system)

    asked = cancel(system, run)
    assert (asked["status"], asked["outcome"]) == ("running", "pending")
    ended = system.settled(run)

    assert (ended["outcome"], ended["message"]["code"]) == ("cancelled", "cancelled")
    cancellation = ended["context"]["cancellation"]
    times = [cancellation[rung] for rung in LADDER]
    assert times == sorted(times)
    assert cancellation["point_of_no_return"] is None
    reconciliation = ended["context"]["reconciliation"]
    assert (reconciliation["source"], reconciliation["evidence"]["cause"]) == ("workflow", "cancelled")


def test_a_run_cancelled_in_temporal_itself_is_cancelled_and_shows_its_ladder(
    system: System, temporal: TemporalCli
) -> None:
    run = silent_compose(system)

    temporal.cancel(f"operation-run.v1.{run['type']}.{run['id']}")
    ended = system.settled(run)

    assert (ended["outcome"], ended["message"]["code"]) == ("cancelled", "cancelled")
    cancellation = ended["context"]["cancellation"]
    assert cancellation["requested_by"] == "Temporal"
    assert all(cancellation[rung] for rung in LADDER)


def test_a_restore_whose_push_has_begun_ends_by_the_truth(system: System) -> None:
    repository, _, run = held_restore(system)

    cancellation = cancel(system, run)["context"]["cancellation"]
    gate_of(repository).touch()
    ended = system.settled(run)

    assert (ended["outcome"], ended["message"]["code"]) == ("succeeded", "restore_applied")
    assert cancellation["point_of_no_return"] == repository.read("rev-parse", "main")
    assert ended["context"]["cancellation"]["point_of_no_return"] == cancellation["point_of_no_return"]
    assert repository.read("show", "main:a.json") == "1"


def test_a_run_that_has_ended_cannot_be_cancelled(system: System) -> None:
    run = system.settled(system.compose(system.environment(system.repository({"a.json": "1"}).url)))

    problem = cancel(system, run, expect=409)

    assert problem["code"] == "already_completed"
    assert show(system, run) == run


def test_a_check_says_first_what_it_would_decide(idle_system: System) -> None:
    environment = idle_system.environment(idle_system.repository({"a.json": "1"}).url)
    run = idle_system.compose(environment)
    open_still = reconcile(idle_system, run, dry_run=True)
    assert (open_still["result"], open_still["facts"]["execution"]["state"]) == ("no_decision", "open")
    TemporalCli(idle_system).terminate(f"operation-run.v1.{run['type']}.{run['id']}")

    foreseen = reconcile(idle_system, run, dry_run=True)

    assert foreseen["result"] == "decision"
    assert foreseen["decision"]["evidence"]["cause"] == "terminated"
    assert show(idle_system, run)["status"] == "queued"

    assert reconcile(idle_system, run, dry_run=False) == foreseen
    ended = show(idle_system, run)
    assert (ended["status"], ended["outcome"]) == ("completed", "failed")
    assert ended["context"]["reconciliation"]["source"] == "operator"


def test_a_queued_run_without_a_worker_says_so(idle_system: System) -> None:
    run = idle_system.compose(idle_system.environment(idle_system.repository({"a.json": "1"}).url))

    def waiting() -> Json | None:
        found: Json = show(idle_system, run)["waiting"]
        return found if found["code"] != "starting" else None

    reason = wait_for(waiting, what="a reason")
    assert "in line" in reason["sentence"]
    # A worker of another test may have polled a moment ago; more than that is not claimed then.
    is_gone = reason["code"] in ("no_worker", "workers_unresponsive")
    assert is_gone or "last asked for work" in reason["sentence"]
