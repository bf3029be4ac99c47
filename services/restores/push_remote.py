from collections.abc import Mapping, Sequence
from datetime import datetime

from services.repositories.mirror import Mirror
from services.repositories.push_answer import PushAnswer
from services.repositories.refs import branch_ref
from services.repositories.remote import RefUpdate
from services.repositories.tickets import TicketState, ticket_object


class MirrorRemote:
    """The remote of one run's pushes, through the environment's mirror; tickets are dated `at`."""

    def __init__(self, mirror: Mirror, branch: str, *, at: datetime) -> None:
        self.branch = branch_ref(branch)
        self._mirror = mirror
        self._at = at

    def push(self, updates: Sequence[RefUpdate]) -> PushAnswer:
        """Move refs, all or none."""
        return self._mirror.push(updates)

    def read(self, refs: Sequence[str]) -> Mapping[str, str]:
        """Return the objects of those refs that are there; raise EnvironmentUnreachable."""
        return self._mirror.read_refs(refs)

    def ticket(self, ref: str, state: TicketState) -> str:
        """Return the object of a ticket in a state."""
        return ticket_object(self._mirror.repository, ref, state, at=self._at)
