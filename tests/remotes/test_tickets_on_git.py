"""What git and its servers do with a ticket: the facts on which the fence at the remote rests."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.remotes.clients import Kill, kill_alone, kill_with_group
from tests.remotes.hooks import Stage
from tests.remotes.plain_git import ABSENT, PlainGit, Update
from tests.remotes.served import ServedRemote

pytestmark = pytest.mark.feature

MAIN = "refs/heads/main"
NAMESPACE = "refs/operation-runs"
TICKET = f"{NAMESPACE}/1/1"
# What a server answers for a lock of another, and for a ref that moved after it was read, alike.
LOCKED = "![remote rejected] (failed to update ref)"


class Ticket(NamedTuple):
    """The pushes of one ticket."""

    open: Update
    move: Update
    done: Update
    fenced: Update


@pytest.fixture
def client(tmp_path: Path, served: ServedRemote) -> PlainGit:
    return PlainGit(tmp_path / "clone.git", served)


@pytest.fixture
def ticket(served: ServedRemote, client: PlainGit) -> Ticket:
    head = served.repository.head()
    opened, done, fenced = map(client.ticket, ("open", "done", "fenced"))
    return Ticket(
        open=Update(ref=TICKET, expected=ABSENT, new=opened),
        move=Update(ref=MAIN, expected=head, new=client.commit("restore", parent=head)),
        done=Update(ref=TICKET, expected=opened, new=done),
        fenced=Update(ref=TICKET, expected=opened, new=fenced),
    )


def is_accepted(answer: str) -> bool:
    return answer.startswith((" ", "*", "+"))


def test_branch_and_ticket_move_together_and_no_fence_comes_after(
    served: ServedRemote, client: PlainGit, ticket: Ticket
) -> None:
    assert is_accepted(client.push(ticket.open)[TICKET])
    answers = client.push(ticket.move, ticket.done)
    assert all(map(is_accepted, answers.values()))
    assert served.refs() == {MAIN: ticket.move.new, TICKET: ticket.done.new}
    assert client.push(ticket.fenced) == {TICKET: "![rejected] (stale info)"}


@pytest.mark.parametrize("stage", [Stage.PRE_RECEIVE, Stage.UPDATE])
@pytest.mark.parametrize("kill", [kill_alone, kill_with_group])
def test_what_was_held_before_its_locks_never_lands_after_the_fence(
    served: ServedRemote, client: PlainGit, ticket: Ticket, stage: Stage, kill: Kill
) -> None:
    client.push(ticket.open)
    hold = served.hooks.hold(stage, MAIN)
    push = client.start(ticket.move, ticket.done)
    hold.wait()
    push.end(kill)
    assert is_accepted(client.push(ticket.fenced)[TICKET])
    hold.release()
    assert served.refs() == {MAIN: ticket.move.expected, TICKET: ticket.fenced.new}


@pytest.mark.parametrize("kill", [kill_alone, kill_with_group])
def test_a_push_that_holds_its_locks_lets_no_fence_in(
    served: ServedRemote, client: PlainGit, ticket: Ticket, kill: Kill
) -> None:
    client.push(ticket.open)
    hold = served.hooks.hold(Stage.LOCKED, MAIN)
    push = client.start(ticket.move, ticket.done)
    hold.wait()
    push.end(kill)
    assert client.push(ticket.fenced) == {TICKET: LOCKED}
    hold.release()
    dies_too = served.kind == "file" and kill is kill_with_group
    landed = {MAIN: ticket.move.new, TICKET: ticket.done.new}
    untouched = {MAIN: ticket.move.expected, TICKET: ticket.open.new}
    assert served.refs() == (untouched if dies_too else landed)


def test_a_fence_that_was_pushed_before_the_ticket_was_opened_refuses_it(
    served: ServedRemote, client: PlainGit, ticket: Ticket
) -> None:
    hold = served.hooks.hold(Stage.PRE_RECEIVE, TICKET)
    opening = client.start(ticket.open)
    hold.wait()
    fencing = client.start(replace(ticket.fenced, expected=ABSENT))
    hold.wait(2)
    hold.release()
    answers = [push.answers()[TICKET] for push in (opening, fencing)]
    assert sorted(map(is_accepted, answers)) == [False, True]


def test_an_equal_ref_is_up_to_date_whatever_was_expected(client: PlainGit, ticket: Ticket) -> None:
    client.push(ticket.open)
    assert client.push(ticket.open) == {TICKET: "=[up to date]"}


@pytest.mark.parametrize("by", ["transfer", "receive"])
def test_a_namespace_that_becomes_hidden_is_skipped_while_the_branch_moves(
    served: ServedRemote, client: PlainGit, ticket: Ticket, by: str
) -> None:
    served.hide(NAMESPACE, by=by)
    hidden = "![remote rejected] (deny updating a hidden ref)"
    assert client.push(ticket.open) == {TICKET: hidden}
    answers = client.push(ticket.move, replace(ticket.done, expected=ABSENT))
    assert is_accepted(answers[MAIN])
    assert answers[TICKET] == hidden
    assert served.refs() == {MAIN: ticket.move.new}


def test_a_refused_namespace_refuses_both_refs_of_one_push(
    served: ServedRemote, client: PlainGit, ticket: Ticket
) -> None:
    served.hooks.refuse(f"{NAMESPACE}/*")
    declined = "![remote rejected] (hook declined)"
    assert client.push(ticket.open) == {TICKET: declined}
    answers = client.push(ticket.move, replace(ticket.done, expected=ABSENT))
    assert answers == {MAIN: "![remote rejected] (atomic push failure)", TICKET: declined}
    assert served.refs() == {MAIN: ticket.move.expected}


def test_a_remote_without_atomic_pushes_names_no_ref_in_its_refusal(
    served: ServedRemote, client: PlainGit, ticket: Ticket
) -> None:
    served.forgo_atomic()
    assert is_accepted(client.push(ticket.open)[TICKET])
    assert not client.push(ticket.move, ticket.done)
    assert served.refs() == {MAIN: ticket.move.expected, TICKET: ticket.open.new}


@pytest.mark.parametrize("locked", [MAIN, TICKET])
def test_a_lock_left_behind_fails_both_refs_and_looks_like_a_race(
    served: ServedRemote, client: PlainGit, ticket: Ticket, locked: str
) -> None:
    client.push(ticket.open)
    served.lock(locked)
    failed = "![remote rejected] (atomic transaction failed)"
    assert client.push(ticket.move, ticket.done) == {MAIN: failed, TICKET: failed}
    served.unlock(locked)
    assert all(map(is_accepted, client.push(ticket.move, ticket.done).values()))


def test_a_branch_that_landed_half_way_leaves_a_ticket_that_can_be_fenced(
    served: ServedRemote, client: PlainGit, ticket: Ticket
) -> None:
    client.push(ticket.open)
    served.hooks.die_between(MAIN, TICKET)
    assert not client.push(ticket.move, ticket.done)
    # Until an administrator removes the dead server's lock, no answer means anything.
    assert client.push(ticket.fenced) == {TICKET: LOCKED}
    served.unlock(TICKET)
    assert is_accepted(client.push(ticket.fenced)[TICKET])
    assert served.refs() == {MAIN: ticket.move.new, TICKET: ticket.fenced.new}


def test_a_ticket_that_landed_half_way_is_done_without_its_commit(
    served: ServedRemote, client: PlainGit, ticket: Ticket
) -> None:
    client.push(ticket.open)
    served.hooks.die_between(TICKET, MAIN)
    assert not client.push(ticket.move, ticket.done)
    assert client.push(ticket.fenced) == {TICKET: "![rejected] (stale info)"}
    assert served.refs() == {MAIN: ticket.move.expected, TICKET: ticket.done.new}
