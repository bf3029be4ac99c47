"""What a mirror makes of each transport's answer to one push of a branch and a ticket."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.errors import EnvironmentUnreachable
from services.repositories.commits import commit_tree
from services.repositories.mirror import Mirror, MirrorStore
from services.repositories.objects import tree_of
from services.repositories.push_answer import PushAnswer, RefAnswer
from services.repositories.remote import RefUpdate
from services.repositories.tickets import NAMESPACE, TicketState, ticket_object, ticket_ref
from tests.mirrors import LOCAL, access_to
from tests.remotes.restoring import BRANCH
from tests.remotes.served import ServedRemote

pytestmark = pytest.mark.feature

AT = datetime(2026, 11, 17, tzinfo=UTC)
TICKET = ticket_ref(uuid.UUID(int=1), 1)
ACCEPTED, STALE, WITHHELD, REFUSED, UNKNOWN = (
    RefAnswer.ACCEPTED,
    RefAnswer.STALE,
    RefAnswer.WITHHELD,
    RefAnswer.REFUSED,
    RefAnswer.UNKNOWN,
)


@pytest.fixture
def mirror(tmp_path: Path, served: ServedRemote) -> Mirror:
    store = MirrorStore(
        tmp_path / "mirrors", allowed_file_roots=[served.path.parent], allowed_private_hosts=LOCAL
    )
    mirror = store.open(uuid.uuid4(), served.url, access_to(served.url))
    mirror.fetch()
    return mirror


def in_state(mirror: Mirror, state: TicketState) -> str:
    return ticket_object(mirror.repository, TICKET, state, at=AT)


def opening(mirror: Mirror) -> RefUpdate:
    return RefUpdate(ref=TICKET, expected=None, new=in_state(mirror, TicketState.OPEN))


def landing(mirror: Mirror) -> list[RefUpdate]:
    head = mirror.resolve("main")
    commit = commit_tree(
        mirror.repository,
        tree=tree_of(mirror.repository, head),
        parent=head,
        message="Restore",
        trailers={},
        author_name="Ada",
        author_email="ada@example.org",
        at=AT,
    )
    states = (in_state(mirror, state) for state in (TicketState.OPEN, TicketState.DONE))
    return [
        RefUpdate(ref=BRANCH, expected=head, new=commit),
        RefUpdate(ref=TICKET, expected=next(states), new=next(states)),
    ]


def said(answer: PushAnswer) -> tuple[RefAnswer, RefAnswer]:
    return answer.of(BRANCH), answer.of(TICKET)


def test_a_branch_and_a_ticket_move_together(served: ServedRemote, mirror: Mirror) -> None:
    assert mirror.push([opening(mirror)]).of(TICKET) is ACCEPTED
    updates = landing(mirror)
    assert said(mirror.push(updates)) == (ACCEPTED, ACCEPTED)
    assert mirror.read_refs([BRANCH, TICKET, f"{NAMESPACE}/none"]) == {
        update.ref: update.new for update in updates
    }
    assert served.refs() == mirror.read_refs([BRANCH, TICKET])


def test_a_hidden_ref_reads_as_absent(served: ServedRemote, mirror: Mirror) -> None:
    mirror.push([opening(mirror)])
    served.hide(NAMESPACE, by="uploadpack")
    assert mirror.read_refs([TICKET]) == {}


def close_ticket(served: ServedRemote, mirror: Mirror) -> None:
    opened, fenced = (in_state(mirror, state) for state in (TicketState.OPEN, TicketState.FENCED))
    mirror.push([RefUpdate(ref=TICKET, expected=opened, new=fenced)])
    assert served.refs(NAMESPACE) == {TICKET: fenced}


@pytest.mark.parametrize(
    ("arrange", "answers", "heard"),
    [
        (lambda served, _: served.repository.commit({"a.json": "2"}), (STALE, WITHHELD), True),
        (close_ticket, (WITHHELD, STALE), True),
        (lambda served, _: served.hooks.refuse(BRANCH), (REFUSED, WITHHELD), True),
        (lambda served, _: served.hooks.refuse(TICKET), (WITHHELD, REFUSED), True),
        (lambda served, _: served.lock(BRANCH), (UNKNOWN, UNKNOWN), True),
        (lambda served, _: served.lock(TICKET), (UNKNOWN, UNKNOWN), True),
        (lambda served, _: served.hooks.die_between(BRANCH, TICKET), (UNKNOWN, UNKNOWN), False),
        (lambda served, _: served.hooks.die_between(TICKET, BRANCH), (UNKNOWN, UNKNOWN), False),
    ],
    ids=[
        "the branch moved",
        "the ticket was closed",
        "the branch is refused",
        "the ticket is refused",
        "the branch is locked",
        "the ticket is locked",
        "the server died after the branch",
        "the server died after the ticket",
    ],
)
def test_each_answer_is_read_ref_by_ref(
    served: ServedRemote,
    mirror: Mirror,
    arrange: Callable[[ServedRemote, Mirror], object],
    answers: tuple[RefAnswer, RefAnswer],
    heard: bool,  # noqa: FBT001 - a column of the table
) -> None:
    mirror.push([opening(mirror)])
    arrange(served, mirror)
    answer = mirror.push(landing(mirror))
    assert said(answer) == answers
    assert answer.heard is heard


def test_a_remote_without_atomic_pushes_moves_none(served: ServedRemote, mirror: Mirror) -> None:
    served.forgo_atomic()
    mirror.push([opening(mirror)])
    before = served.refs()
    answer = mirror.push(landing(mirror))
    assert (answer.is_atomic, said(answer)) == (False, (REFUSED, REFUSED))
    assert served.refs() == before


def test_a_repository_that_went_away_says_nothing_of_any_ref(served: ServedRemote, mirror: Mirror) -> None:
    served.repository.move_to(served.path.with_name("elsewhere.git"))
    answer = mirror.push(landing(mirror))
    assert said(answer) == (UNKNOWN, UNKNOWN)
    assert not answer.heard
    with pytest.raises(EnvironmentUnreachable):
        mirror.read_refs([BRANCH])
