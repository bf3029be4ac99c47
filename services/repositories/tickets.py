from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import pygit2

from services.repositories.commits import commit_tree

NAMESPACE: Final = "refs/operation-runs"
AUTHOR: Final = ("OperationRun", "operationrun@localhost")


class TicketState(StrEnum):
    """The states of a ticket: from open to done, or from open to fenced, and never back."""

    OPEN = "open"
    DONE = "done"
    FENCED = "fenced"


def ticket_ref(run_id: UUID, number: int) -> str:
    """Return the ref of one of a run's tickets, which are counted from 1."""
    return f"{NAMESPACE}/{run_id}/{number}"


def is_ticket(ref: str) -> bool:
    """Return whether a ref is a ticket."""
    return ref.startswith(f"{NAMESPACE}/")


def ticket_object(repository: pygit2.Repository, ref: str, state: TicketState, *, at: datetime) -> str:
    """Write the commit that a ticket is at in a state, and return its id: no two tickets share one.

    Git takes a ref that is at the wanted object already for pushed, before it looks at what was expected.
    Each other state descends from `open`, so that no remote takes the move for a rewritten history.
    """
    _, run_id, number = ref.rsplit("/", 2)
    is_open = state is TicketState.OPEN
    return commit_tree(
        repository,
        tree=str(repository.TreeBuilder().write()),
        parent=None if is_open else ticket_object(repository, ref, TicketState.OPEN, at=at),
        message=f"Push {number} of run {run_id} is {state}",
        trailers={},
        author_name=AUTHOR[0],
        author_email=AUTHOR[1],
        at=at,
    )
