"""What keeps a restore's push from landing after its record (law L11), on a real repository."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from models.lifecycle import FINAL_OUTCOMES, Outcome, completed
from services.database.session import Database
from tests.restores.fenced_restores import FencedRestore
from tests.runs.seen_runs import see, steps_of

ENDINGS = {completed(outcome) for outcome in FINAL_OUTCOMES}
ELEVEN_MINUTES = timedelta(minutes=11)


@pytest.fixture
def restore(database: Database, repositories: Path, tmp_path: Path) -> FencedRestore:
    return FencedRestore.plan(database, repositories, tmp_path)


def test_a_restore_leaves_no_ticket_behind(restore: FencedRestore) -> None:
    done = restore.run()

    assert done is not None
    assert done.outcome is Outcome.SUCCEEDED
    assert restore.pushes == [(True, "landed")]
    assert restore.tickets == []


@pytest.mark.parametrize("point", ["restore.before_intent", "restore.after_ticket", "restore.before_push"])
def test_a_push_that_died_is_fenced_and_its_run_settled(restore: FencedRestore, point: str) -> None:
    head = restore.head
    restore.die_at(point)

    settled = restore.settle()

    assert settled.decision is not None
    assert (settled.decision.outcome, settled.decision.reason_code) == ("failed", "restore_not_applied")
    assert (restore.head, restore.tickets) == (head, [])


def test_a_fenced_attempt_is_followed_by_another_with_its_own_ticket(restore: FencedRestore) -> None:
    restore.die_at("restore.before_push")

    done = restore.run()

    assert done is not None
    assert done.outcome is Outcome.SUCCEEDED
    assert restore.pushes == [(True, "fenced"), (True, "landed")]
    assert restore.tickets == []


def test_a_push_that_landed_without_a_record_needs_no_fence(restore: FencedRestore) -> None:
    restore.die_at("restore.after_push")
    assert restore.pushes == [(True, "opened")]

    assert restore.reason() == "restore_applied"
    assert restore.tickets == []


def test_a_branch_that_was_rewound_after_the_landing_is_overwritten(restore: FencedRestore) -> None:
    head = restore.head
    restore.die_at("restore.before_record")
    restore.repository.read("update-ref", "refs/heads/main", head)

    assert restore.reason() == "restore_overwritten"


def test_a_process_that_may_not_fence_decides_nothing(restore: FencedRestore) -> None:
    restore.die_at("restore.before_push")

    settled = restore.settle(fences=False)

    assert (settled.result, settled.facts.needs_fence) == ("no_decision", True)
    assert len(restore.tickets) == 1


@pytest.mark.parametrize("how", ["not atomic", "namespace refused", "namespace hidden"])
def test_a_remote_that_takes_no_tickets_is_pushed_to_without(restore: FencedRestore, how: str) -> None:
    take_no_tickets(restore, how)

    done = restore.run()

    assert done is not None
    assert done.outcome is Outcome.SUCCEEDED
    assert restore.pushes == [(True, "refused"), (False, "landed")]


def test_without_a_ticket_time_settles_and_a_late_landing_is_corrected(restore: FencedRestore) -> None:
    take_no_tickets(restore, "namespace refused")
    restore.die_at("restore.before_push")
    assert restore.reason() is None
    begin_earlier(restore, ELEVEN_MINUTES)

    assert restore.reason() == "restore_not_applied"
    settled = see(restore.database, restore.run_id)
    assert settled.standing == completed(Outcome.FAILED)
    assert settled.context["reconciliation"]["evidence"]["fence"] == "time"
    assert settled.context["look_claimed_until"] > settled.context["reconciliation"]["reconciled_at"]

    restore.land_by_hand()
    assert restore.reason() == "restore_applied"
    corrected = see(restore.database, restore.run_id)
    assert corrected.standing == completed(Outcome.SUCCEEDED)
    assert "look_claimed_until" not in corrected.context
    endings = [after for _, after in steps_of(restore.database, restore.run_id) if after in ENDINGS]
    assert endings == [completed(Outcome.FAILED), completed(Outcome.SUCCEEDED)]


def test_the_intent_of_an_earlier_release_waits_for_time_and_is_never_fenced(restore: FencedRestore) -> None:
    restore.die_at("restore.before_intent")
    forget_pushes(restore)

    assert restore.reason() is None
    assert restore.tickets == []
    done = restore.run()
    assert done is not None
    assert done.outcome is Outcome.SUCCEEDED
    assert restore.pushes == [(False, None), (False, "landed")]


def take_no_tickets(restore: FencedRestore, how: str) -> None:
    if how == "not atomic":
        restore.repository.read("config", "receive.advertiseAtomic", "false")
    elif how == "namespace hidden":
        restore.repository.read("config", "transfer.hideRefs", "refs/operation-runs")
    else:
        restore.repository.hook("update", 'case "$1" in refs/operation-runs/*) exit 1;; esac')


def rewrite(restore: FencedRestore, change: str, value: str) -> None:
    with restore.database.transaction() as session:
        session.execute(text("SELECT set_config('operationrun.writer', 'OperationRunService', true)"))
        session.execute(
            text(f"UPDATE operation_runs SET context = {change} WHERE id = :id"),
            {"id": restore.run_id, "value": value},
        )


def begin_earlier(restore: FencedRestore, ago: timedelta) -> None:
    """Let the last push have begun some time ago."""
    push = see(restore.database, restore.run_id).context["pushes"][-1]
    began_at = (datetime.fromisoformat(push["began_at"]) - ago).isoformat()
    rewrite(restore, "jsonb_set(context, '{pushes,-1,began_at}', to_jsonb(CAST(:value AS text)))", began_at)


def forget_pushes(restore: FencedRestore) -> None:
    """Leave what a release without tickets left: the commit alone."""
    rewrite(
        restore, "context - 'pushes' || jsonb_build_object('intended_commit', CAST(:value AS text))", "1" * 40
    )
