from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol
from uuid import UUID

import structlog

from models.base import Clock, utc_now
from models.errors import EnvironmentUnreachable, PushRaced, PushRefused, RepositoryError
from models.run_context import PushStep, RunPush
from services.kill_points import FaultHook, no_op
from services.repositories.push_answer import PushAnswer, RefAnswer
from services.repositories.remote import RefUpdate
from services.repositories.tickets import TicketState, ticket_ref

_log = structlog.get_logger()


class PushLedger(Protocol):
    """Where the pushes of one run are recorded before they are made (services/restores/push_ledger.py)."""

    def pushes(self) -> Sequence[RunPush]:
        """Return the pushes recorded so far."""

    def begin(self, push: RunPush, *, earlier: int) -> None:
        """Record a push; raise RunRefused, Cancelled or PushRaced where this attempt may not push."""

    def opened(self, index: int) -> None:
        """Record that a push's ticket is at the remote; raise RunRefused where the run has completed."""

    def withdrawn(self, index: int) -> bool:
        """Give up a push that was never sent; return False where its ticket was opened meanwhile."""

    def answered(self, index: int, answer: PushStep) -> None:
        """Record a definite answer, unless the push has one."""


class PushRemote(Protocol):
    """What a push needs of an environment's repository (services/restores/push_remote.py)."""

    branch: str

    def push(self, updates: Sequence[RefUpdate]) -> PushAnswer:
        """Move refs, all or none."""

    def read(self, refs: Sequence[str]) -> Mapping[str, str]:
        """Return the objects of those refs that are there; raise EnvironmentUnreachable."""

    def ticket(self, ref: str, state: TicketState) -> str:
        """Return the object of a ticket in a state."""


class RestorePushing:
    """Pushes a run's commits so that at most one can land, and fences those without an answer (law L11).

    A push moves the branch and a ticket, a ref of its own, in one atomic push. Whoever moves the ticket
    first decides for good: to `done` together with the branch, or to `fenced`.
    """

    def __init__(
        self,
        run_id: UUID,
        ledger: PushLedger,
        remote: PushRemote,
        *,
        clock: Clock = utc_now,
        fault_hook: FaultHook = no_op,
    ) -> None:
        self._run_id = run_id
        self._ledger = ledger
        self._remote = remote
        self._clock = clock
        self._fault_hook = fault_hook

    def push(self, *, head: str, commit: str) -> None:
        """Move the branch from `head` to `commit`, once; the branch itself says whether that came about.

        1. Record the push in the ledger, unless an earlier one may still land that a fence would stop.
        2. Put its ticket at the remote, alone; where the remote refuses that, push without a ticket.
        3. Record that, which a run that has completed meanwhile refuses.
        4. Move branch and ticket together, each from its expected object.

        Raises PushRefused with the remote's words, EnvironmentUnreachable where no answer came, PushRaced
        where another attempt pushes or closed the ticket, and what `PushLedger.begin` raises.
        """
        earlier = self._ledger.pushes()
        if any(push.ticket and push.is_unanswered for push in earlier):
            raise PushRaced("Another attempt of this run pushes.")
        ticket = next_ticket(self._run_id, earlier)
        reused = any(push.ticket == ticket for push in earlier)
        index = self._begin(ticket, head, commit, earlier=len(earlier))
        if ticket is None:
            self._move_alone(index, head, commit)
        elif reused or self._open(index, ticket):
            self._ledger.opened(index)
            self._fault_hook("restore.before_push")
            self._move(index, ticket, head, commit)
        else:
            self._push_without_ticket(index, head, commit)

    def close(self) -> None:
        """Close each push that has a ticket and no definite answer; record what that says.

        One whose ticket was never recorded as opened was not sent: the ledger alone closes it. Any other is
        fenced at the remote. Afterwards either it has landed, or it never will; the branch tells which.
        Raises EnvironmentUnreachable where the remote gives no answer that settles it.
        """
        for index, push in enumerate(self._ledger.pushes()):
            if not (push.ticket and push.is_unanswered):
                continue
            if push.answer == "opened" or not self._ledger.withdrawn(index):
                self._ledger.answered(index, self._fence(push.ticket))

    def delete_tickets(self) -> None:
        """Delete the tickets of a run that has completed, and log those that the remote does not delete.

        A push that is still under way expects its ticket open, and finds none.
        """
        with suppress(RepositoryError):
            self.close()
        states = {push.ticket: _LEFT_AT[push.answer] for push in self._ledger.pushes() if push.ticket}
        left = [ticket for ticket, state in states.items() if state and not self._delete(ticket, state)]
        if left:
            _log.warning("tickets_left", run_id=str(self._run_id), tickets=left)

    def _delete(self, ticket: str, state: TicketState) -> bool:
        answer = self._remote.push(
            [RefUpdate(ref=ticket, expected=self._remote.ticket(ticket, state), new=None)]
        )
        # Stale: it is gone already.
        return answer.of(ticket) in {RefAnswer.ACCEPTED, RefAnswer.STALE}

    def _begin(self, ticket: str | None, head: str, commit: str, *, earlier: int) -> int:
        self._fault_hook("restore.before_intent")
        push = RunPush(ticket=ticket, head=head, commit=commit, began_at=self._clock(), answer=None)
        self._ledger.begin(push, earlier=earlier)
        return earlier

    def _open(self, index: int, ticket: str) -> bool:
        """Put a ticket at the remote; return False where the remote takes none."""
        answer = self._remote.push([self._ticket_move(ticket, None, TicketState.OPEN)])
        said = answer.of(ticket)
        if said is RefAnswer.REFUSED:
            self._ledger.answered(index, "refused")
            return False
        if said is not RefAnswer.ACCEPTED and self._state_of(ticket) is not TicketState.OPEN:
            raise EnvironmentUnreachable(
                f"The environment's repository did not take the ticket: {answer.words}"
            )
        self._fault_hook("restore.after_ticket")
        return True

    def _push_without_ticket(self, index: int, head: str, commit: str) -> None:
        self._move_alone(self._begin(None, head, commit, earlier=index + 1), head, commit)

    def _move_alone(self, index: int, head: str, commit: str) -> None:
        self._fault_hook("restore.before_push")
        answer = self._remote.push([RefUpdate(ref=self._remote.branch, expected=head, new=commit)])
        self._record(index, answer.of(self._remote.branch), answer)

    def _move(self, index: int, ticket: str, head: str, commit: str) -> None:
        branch = self._remote.branch
        updates = [
            RefUpdate(ref=branch, expected=head, new=commit),
            self._ticket_move(ticket, TicketState.OPEN, TicketState.DONE),
        ]
        answer = self._remote.push(updates)
        at_branch, at_ticket = answer.of(branch), answer.of(ticket)
        if at_ticket is RefAnswer.STALE:
            raise PushRaced("Another attempt closed this push.")
        if not answer.is_atomic or (at_ticket, at_branch) == (RefAnswer.REFUSED, RefAnswer.WITHHELD):
            self._ledger.answered(index, "refused")
            self._push_without_ticket(index, head, commit)
            return
        if at_branch is RefAnswer.ACCEPTED and at_ticket is not RefAnswer.ACCEPTED:
            at_branch = RefAnswer.UNKNOWN
        self._record(index, at_branch, answer)

    def _record(self, index: int, said: RefAnswer, answer: PushAnswer) -> None:
        """Record a definite answer; raise where it is a refusal, or the remote said nothing."""
        if said in {RefAnswer.ACCEPTED, RefAnswer.UNCHANGED}:
            self._fault_hook("restore.after_push")
            self._ledger.answered(index, "landed")
        elif said is RefAnswer.STALE:
            self._ledger.answered(index, "stale")
        elif said is RefAnswer.REFUSED:
            self._ledger.answered(index, "refused")
            raise PushRefused(f"The repository refused the push: {answer.words}")
        elif not answer.heard:
            raise EnvironmentUnreachable(
                f"The environment's repository did not answer the push: {answer.words}"
            )

    def _fence(self, ticket: str) -> PushStep:
        """Close a ticket, unless it is closed; a closed one tells what happened, whoever closed it."""
        state = self._state_of(ticket)
        if state not in _CLOSED:
            answer = self._remote.push([self._ticket_move(ticket, TicketState.OPEN, TicketState.FENCED)])
            said = answer.of(ticket)
            if said in {RefAnswer.ACCEPTED, RefAnswer.UNCHANGED}:
                return "fenced"
            state = self._state_of(ticket)
            if said is not RefAnswer.STALE and state not in _CLOSED:
                raise EnvironmentUnreachable(
                    f"The environment's repository did not take the fence: {answer.words}"
                )
        return _CLOSED.get(state, "unclear")

    def _state_of(self, ticket: str) -> TicketState | None:
        """Ask for the state of a ticket; None: it is absent, hidden, or in no state of ours."""
        found = self._remote.read([ticket]).get(ticket)
        return next((state for state in TicketState if found == self._remote.ticket(ticket, state)), None)

    def _ticket_move(self, ticket: str, expected: TicketState | None, new: TicketState) -> RefUpdate:
        return RefUpdate(
            ref=ticket,
            expected=self._remote.ticket(ticket, expected) if expected else None,
            new=self._remote.ticket(ticket, new),
        )


# Where a push left its ticket; None: nowhere, or it is not known.
_LEFT_AT: Mapping[PushStep | None, TicketState | None] = {
    None: None,
    "opened": TicketState.OPEN,
    "withdrawn": TicketState.OPEN,
    "stale": TicketState.OPEN,
    "refused": TicketState.OPEN,
    "landed": TicketState.DONE,
    "fenced": TicketState.FENCED,
    "unclear": None,
}
_CLOSED: Mapping[TicketState | None, PushStep] = {TicketState.DONE: "landed", TicketState.FENCED: "fenced"}


def next_ticket(run_id: UUID, pushes: Sequence[RunPush]) -> str | None:
    """Return the ticket of a run's next push; None: its remote takes no tickets.

    That of a push that came too late serves again.
    """
    if not pushes:
        return ticket_ref(run_id, 1)
    last = pushes[-1]
    if last.ticket is None or last.answer == "stale":
        return last.ticket
    used = len({push.ticket for push in pushes})
    return ticket_ref(run_id, used + 1)
