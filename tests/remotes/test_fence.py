"""A restore's pushes at real servers: at most one commit lands, and a record that none did stays true."""

from collections.abc import Callable

import pytest

from models.errors import PushRaced
from models.reason_codes import ReasonCode
from tests.remotes.attempts import Attempt
from tests.remotes.hooks import Stage
from tests.remotes.restoring import BRANCH, Restoring
from tests.remotes.served import ServedRemote

pytestmark = pytest.mark.feature

NAMESPACE = "refs/operation-runs"
EVERY_KILL = pytest.mark.parametrize("kill", [Attempt.kill, Attempt.kill_with_group])
Kill = Callable[[Attempt], None]


def test_a_restore_lands_once_and_leaves_no_ticket(served: ServedRemote, restoring: Restoring) -> None:
    assert restoring.attempt().end() == "succeeded"
    assert [push.answer for push in restoring.pushes()] == ["landed"]
    assert restoring.landed() == [served.repository.head()]
    assert not served.refs(NAMESPACE)


def test_a_landing_that_was_not_recorded_leaves_no_ticket_either(
    served: ServedRemote, restoring: Restoring
) -> None:
    restoring.attempt(dies_at="restore.after_push").end()
    assert [push.answer for push in restoring.pushes()] == ["opened"]
    assert restoring.settle() is ReasonCode.RESTORE_APPLIED
    assert not served.refs(NAMESPACE)


@EVERY_KILL
@pytest.mark.parametrize("stage", [Stage.PRE_RECEIVE, Stage.UPDATE])
def test_a_push_that_waits_to_be_judged_is_fenced_for_ever(
    served: ServedRemote, restoring: Restoring, stage: Stage, kill: Kill
) -> None:
    hold = served.hooks.hold(stage, BRANCH)
    attempt = restoring.attempt()
    hold.wait()
    kill(attempt)
    assert restoring.settle() is ReasonCode.RESTORE_NOT_APPLIED
    hold.release()
    assert not restoring.landed()
    assert restoring.settle() is ReasonCode.RESTORE_NOT_APPLIED
    assert not served.refs(NAMESPACE)


@EVERY_KILL
def test_a_push_that_holds_its_locks_keeps_the_run_open(
    served: ServedRemote, restoring: Restoring, kill: Kill
) -> None:
    hold = served.hooks.hold(Stage.LOCKED, BRANCH)
    attempt = restoring.attempt()
    hold.wait()
    kill(attempt)
    assert restoring.settle() is None
    hold.release()
    if served.is_locked(BRANCH):
        # The server died with its client, and left its locks.
        assert restoring.settle() is None
        served.unlock_all()
        assert restoring.settle() is ReasonCode.RESTORE_NOT_APPLIED
        assert not restoring.landed()
    else:
        assert restoring.settle() is ReasonCode.RESTORE_APPLIED
        assert len(restoring.landed()) == 1


@pytest.mark.parametrize("stage", Stage)
def test_a_worker_that_lost_its_git_restores_once_whatever_still_waits(
    served: ServedRemote, restoring: Restoring, stage: Stage
) -> None:
    hold = served.hooks.hold(stage, BRANCH)
    attempt = restoring.attempt()
    hold.wait()
    attempt.kill_git()
    hold.take_no_more()
    assert attempt.end() == "EnvironmentUnreachable"
    assert not restoring.landed()
    if stage is Stage.LOCKED:
        assert restoring.attempt().end() == "EnvironmentUnreachable"
        hold.release()
        served.unlock_all()
    assert restoring.attempt().end() == "succeeded"
    hold.release()
    assert restoring.landed() == [served.repository.head()]
    assert not served.refs(NAMESPACE)


@pytest.mark.parametrize("stage", Stage)
def test_a_server_killed_before_its_renames_lands_nothing(
    served: ServedRemote, restoring: Restoring, stage: Stage
) -> None:
    hold = served.hooks.hold(stage, BRANCH)
    attempt = restoring.attempt()
    hold.wait()
    hold.kill()
    assert attempt.end() == "EnvironmentUnreachable"
    assert restoring.settle() is (None if stage is Stage.LOCKED else ReasonCode.RESTORE_NOT_APPLIED)
    served.unlock_all()
    assert restoring.settle() is ReasonCode.RESTORE_NOT_APPLIED
    assert not restoring.landed()


def test_a_server_that_dies_after_the_branch_leaves_a_restore_that_landed(
    served: ServedRemote, restoring: Restoring
) -> None:
    served.hooks.die_between(BRANCH, restoring.ticket())
    assert restoring.attempt().end() == "EnvironmentUnreachable"
    assert served.is_locked(restoring.ticket())
    assert restoring.settle() is ReasonCode.RESTORE_APPLIED
    assert restoring.landed() == [served.repository.head()]


def test_a_server_that_dies_after_the_ticket_leaves_what_an_operator_has_to_see(
    served: ServedRemote, restoring: Restoring
) -> None:
    served.hooks.die_between(restoring.ticket(), BRANCH)
    assert restoring.attempt().end() == "undecided"
    assert served.is_locked(BRANCH)
    assert restoring.settle() is ReasonCode.RESTORE_OVERWRITTEN
    assert not restoring.landed()


def test_a_worker_that_is_late_opens_no_ticket_of_a_settled_run(
    served: ServedRemote, restoring: Restoring
) -> None:
    hold = served.hooks.hold(Stage.PRE_RECEIVE, restoring.ticket())
    attempt = restoring.attempt()
    hold.wait()
    hold.take_no_more()
    assert restoring.settle() is ReasonCode.RESTORE_NOT_APPLIED
    hold.release()
    assert attempt.end() in {"RunRefused", "EnvironmentUnreachable"}
    assert not restoring.landed()


@pytest.mark.parametrize("held", ["ticket", "branch"])
def test_no_push_begins_while_another_has_no_answer(
    served: ServedRemote, restoring: Restoring, held: str
) -> None:
    hold = served.hooks.hold(Stage.PRE_RECEIVE, BRANCH if held == "branch" else restoring.ticket())
    attempt = restoring.attempt()
    hold.wait()
    hold.take_no_more()
    with pytest.raises(PushRaced):
        restoring.push_again()
    assert len(restoring.pushes()) == 1
    hold.release()
    assert attempt.end() == "succeeded"
    assert restoring.landed() == [served.repository.head()]
