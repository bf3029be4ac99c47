"""A restore at remotes that refuse tickets, hide them, keep old locks or lose what they took."""

import pytest

from models.reason_codes import ReasonCode
from models.run_context import PushStep
from tests.remotes.attempts import Attempt
from tests.remotes.hooks import Stage
from tests.remotes.restoring import BRANCH, Restoring
from tests.remotes.served import ServedRemote

pytestmark = pytest.mark.feature

NAMESPACE = "refs/operation-runs"


def answers(restoring: Restoring) -> list[tuple[bool, PushStep | None]]:
    """Return of each push whether it had a ticket, and its answer."""
    return [(push.ticket is not None, push.answer) for push in restoring.pushes()]


WITHOUT_TICKET = [(True, "refused"), (False, "landed")]


@pytest.mark.parametrize("by", ["transfer", "receive"])
def test_a_hidden_namespace_has_the_restore_pushed_without_a_ticket(
    served: ServedRemote, restoring: Restoring, by: str
) -> None:
    served.hide(NAMESPACE, by=by)
    assert restoring.attempt().end() == "succeeded"
    assert answers(restoring) == WITHOUT_TICKET
    assert restoring.landed() == [served.repository.head()]


def test_tickets_that_nobody_may_read_serve_all_the_same(served: ServedRemote, restoring: Restoring) -> None:
    served.hide(NAMESPACE, by="uploadpack")
    assert restoring.attempt().end() == "succeeded"
    assert answers(restoring) == [(True, "landed")]
    assert not served.refs(NAMESPACE)


@pytest.mark.parametrize("by", ["transfer", "receive"])
def test_a_ticket_that_becomes_hidden_proves_nothing(
    served: ServedRemote, restoring: Restoring, by: str
) -> None:
    hold = served.hooks.hold(Stage.PRE_RECEIVE, restoring.ticket())
    attempt = restoring.attempt()
    hold.wait()
    served.hide(NAMESPACE, by=by)
    hold.release()
    assert attempt.end() == "PushRaced"
    assert restoring.settle() is ReasonCode.ENVIRONMENT_UNREACHABLE
    assert not restoring.landed()


@pytest.mark.parametrize("refuse_at", ["first", "later"])
def test_a_refused_namespace_has_the_restore_pushed_without_a_ticket(
    served: ServedRemote, restoring: Restoring, refuse_at: str
) -> None:
    # A hook that was added while the ticket was opened refuses its next move alone.
    hold = served.hooks.hold(Stage.LOCKED, restoring.ticket()) if refuse_at == "later" else None
    attempt: Attempt | None = None
    if hold:
        attempt = restoring.attempt()
        hold.wait()
    served.hooks.refuse(f"{NAMESPACE}/*")
    if hold:
        hold.release()
    assert (attempt or restoring.attempt()).end() == "succeeded"
    assert answers(restoring) == WITHOUT_TICKET
    assert restoring.landed() == [served.repository.head()]


def test_a_remote_without_atomic_pushes_has_the_restore_pushed_without_a_ticket(
    served: ServedRemote, restoring: Restoring
) -> None:
    served.forgo_atomic()
    assert restoring.attempt().end() == "succeeded"
    assert answers(restoring) == WITHOUT_TICKET
    assert restoring.landed() == [served.repository.head()]
    assert not served.refs(NAMESPACE)


def test_a_push_without_a_ticket_keeps_the_run_open_while_it_may_land(
    served: ServedRemote, restoring: Restoring
) -> None:
    served.hide(NAMESPACE)
    hold = served.hooks.hold(Stage.PRE_RECEIVE, BRANCH)
    attempt = restoring.attempt()
    hold.wait()
    attempt.kill()
    assert restoring.settle() is None
    hold.release()
    assert restoring.settle() is ReasonCode.RESTORE_APPLIED
    assert restoring.landed() == [served.repository.head()]


def test_an_old_lock_of_the_branch_ends_as_not_applied(served: ServedRemote, restoring: Restoring) -> None:
    served.lock(BRANCH)
    assert restoring.attempt().end() == "PushRaced"
    assert restoring.settle() is ReasonCode.RESTORE_NOT_APPLIED
    served.unlock(BRANCH)
    assert restoring.attempt().end() == "RunRefused"
    assert not restoring.landed()


def test_a_ticket_that_an_old_lock_keeps_out_was_never_pushed_with(
    served: ServedRemote, restoring: Restoring
) -> None:
    served.lock(restoring.ticket())
    assert restoring.attempt().end() == "EnvironmentUnreachable"
    assert restoring.settle() is ReasonCode.RESTORE_NOT_APPLIED
    served.unlock(restoring.ticket())
    assert not restoring.landed()


def test_an_old_lock_of_the_ticket_keeps_the_run_open(served: ServedRemote, restoring: Restoring) -> None:
    restoring.attempt(dies_at="restore.before_push").end()
    served.lock(restoring.ticket())
    assert restoring.settle() is None
    served.unlock(restoring.ticket())
    assert restoring.settle() is ReasonCode.RESTORE_NOT_APPLIED
    assert not restoring.landed()


@pytest.mark.parametrize("dies_at", ["restore.after_push", "restore.before_record"])
def test_a_branch_that_is_rewound_after_the_landing_is_overwritten(
    served: ServedRemote, restoring: Restoring, dies_at: str
) -> None:
    restoring.attempt(dies_at=dies_at).end()
    assert len(restoring.landed()) == 1
    served.rewind(restoring.planned_on)
    assert restoring.attempt().end() == "undecided"
    assert restoring.settle() is ReasonCode.RESTORE_OVERWRITTEN
    assert not restoring.landed()


@pytest.mark.parametrize("served", ["https", "ssh"], indirect=True)
@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("words", ["checking the protected branch", "fatal: permission denied by policy 7"])
def test_what_a_hook_says_before_the_connection_is_lost_refuses_nothing(
    served: ServedRemote, restoring: Restoring, words: str, stage: Stage
) -> None:
    served.hooks.say(words, touching=BRANCH)
    hold = served.hooks.hold(stage, BRANCH)
    attempt = restoring.attempt()
    hold.wait()
    hold.take_no_more()
    served.cut()
    assert attempt.end() == "EnvironmentUnreachable"
    is_fenced = stage is not Stage.LOCKED
    assert answers(restoring) == [(True, "fenced" if is_fenced else "opened")]
    hold.release()
    assert bool(restoring.landed()) != is_fenced
    assert restoring.attempt().end() == "succeeded"
    assert restoring.landed() == [served.repository.head()]
