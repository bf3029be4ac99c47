"""Endings that take half an hour, on a worker whose minutes are seconds."""

from tests.replay.endings import compose_deadline, restore_timed_out
from tests.system import Json, System


def reconciled(system: System, workflow_id: str) -> tuple[str, Json]:
    run = system.get(f"/operations/{workflow_id.rsplit('.', 1)[1]}")
    return run["outcome"], run["context"]["reconciliation"]


def test_a_compose_past_its_deadline_has_failed_and_was_not_cancelled(system: System) -> None:
    outcome, reconciliation = reconciled(system, compose_deadline(system))

    assert (outcome, reconciliation["reason_code"]) == ("failed", "review_not_composed")
    assert (reconciliation["source"], reconciliation["evidence"]["cause"]) == ("workflow", "deadline")


def test_a_restore_whose_worker_falls_silent_for_good_is_settled_by_the_branch(system: System) -> None:
    outcome, reconciliation = reconciled(system, restore_timed_out(system))

    assert (outcome, reconciliation["reason_code"]) == ("failed", "restore_not_applied")
    assert (reconciliation["source"], reconciliation["evidence"]["cause"]) == (
        "workflow",
        "activity_timed_out",
    )
