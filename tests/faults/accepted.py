"""Whether a run's history records only what the rules allow: each transition, and each push of a restore."""

from itertools import pairwise
from uuid import UUID

from models.lifecycle import ACTIVE, BIRTHS, CORRECTIONS, MOVES, Outcome, Standing, Status
from models.reason_codes import ReasonCode
from models.run_context import RunContext
from services.restores.pushing import next_ticket
from tests.system import Json


def assert_transitions_allowed(history: list[Json]) -> int:
    """Fail for a transition that models/lifecycle.py does not have; return how many there are."""
    for step in history:
        before, after = _standing(step, "from"), _standing(step, "to")
        if before is None:
            assert after in BIRTHS, step
        elif step["reason_code"] == ReasonCode.CANCELLATION_REQUESTED:
            assert before == after, step
            assert before.status in ACTIVE, step
        else:
            assert (before, after) in MOVES | CORRECTIONS, step
    return len(history)


def assert_pushes_allowed(run: Json) -> None:
    """Fail for a push that began while an earlier one might still land, or under a ticket not its own."""
    context = RunContext.model_validate(run["context"])
    for number, push in enumerate(context.pushes):
        earlier = context.pushes[:number]
        assert not [each for each in earlier if each.ticket and each.is_unanswered], run
        assert push.ticket in {None, next_ticket(UUID(str(run["id"])), earlier)}, run
    for before, after in pairwise(context.pushes):
        assert before.began_at <= after.began_at, run
    landed = [push.commit for push in context.pushes if push.answer == "landed"]
    assert len(landed) <= 1, run


def _standing(step: Json, side: str) -> Standing | None:
    status = step[f"{side}_status"]
    return Standing(status=Status(status), outcome=Outcome(step[f"{side}_outcome"])) if status else None
