from typing import Annotated, Any, Literal

from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from models.reconciliation import Related
from reconcilers.run_check import CheckResult
from reconcilers.run_judgement import Action
from services.response_models import ResponseModel, Shaped
from services.runs.stored_shapes import EvidenceShape


class DecisionAnswer(ResponseModel):
    """What business truth says of a run."""

    adapter: str
    outcome: Outcome
    reason_code: ReasonCode
    related: Related | None
    evidence: Annotated[dict[str, Any], Shaped(EvidenceShape)]


class CheckAnswer(ResponseModel):
    """What came of checking a run; `decision` is null exactly where `result` is not `decision`.

    `facts` are what the decision rests on, or would; null where none were collected.
    """

    result: Literal["decision", "unsupported", "no_decision"]
    decision: DecisionAnswer | None
    facts: dict[str, Any] | None


def check_answer(checked: CheckResult) -> CheckAnswer:
    """Return a check as programs get it.

    A decision that the check leaves alone, or that another process is making, is none.
    """
    found = checked.reconciliation
    facts = found.facts.model_dump(mode="json") if found and found.facts else None
    if found and found.result == "unsupported":
        return CheckAnswer(result="unsupported", decision=None, facts=facts)
    if found is None or found.decision is None or checked.action is not Action.SETTLE:
        return CheckAnswer(result="no_decision", decision=None, facts=facts)
    return CheckAnswer(result="decision", decision=DecisionAnswer.model_validate(found.decision), facts=facts)
