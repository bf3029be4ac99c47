from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from models.operation_run import OperationRequest

# How many requests of one run are shown.
SHOWN: Final = 50


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Somebody who asked for work that was under way already, and got its run."""

    name: str
    kind: str
    at: datetime
    with_key: bool


@dataclass(frozen=True, kw_only=True)
class Askers:
    """Who else asked for a run, in the order in which they did; `are_more`: not all of them are shown."""

    others: Sequence[Asker]
    are_more: bool


def askers_of(requests: Sequence[OperationRequest]) -> Askers:
    """Tell who else asked, from a run's requests, the first of which made it."""
    others = [
        Asker(
            name=request.actor_name,
            kind=request.actor_kind,
            at=request.at,
            with_key=request.idempotency_key is not None,
        )
        for request in requests[1:]
    ]
    return Askers(others=others[:SHOWN], are_more=len(others) > SHOWN)
