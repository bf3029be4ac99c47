from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from models.lifecycle import Status
from models.operation_run import OperationRun, OperationRunTransition
from services.runs.wording import CAUSES, REASONS, UNKNOWN
from web.ui.states import OF_RUN, State

_SHORT: Final = 10

# By the source of a reconciliation, or by what else settled the run.
SOURCES: Final = {
    "workflow": "The operation itself, as it ended",
    "sweep": "The regular check",
    "operator": "A person who asked to check",
    "result": "The operation itself, together with its result",
    "dispatch": "This system, when the operation could not be handed over",
}

_EVIDENCE: Final = {
    "cause": "How the work ended",
    "matching_reviews": "Reviews that match",
    "commits": "Changes found that name this operation",
    "intended_commit": "Change that was about to be written",
    "changed_items": "Items that changed since the plan",
    "fence": "What keeps a late write out",
}

_FENCES: Final = {
    "ticket": "Closed at the repository",
    "time": "Ten minutes passed; the repository is checked again later",
    "needed": "Nothing yet; the repository is checked again later",
}

_TECHNICAL: Final = frozenset({"workflow_id", "workflow_run_id"})


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """One change of a run to completed, or of its outcome; each after the first is a correction."""

    before: State
    after: State
    why: str
    at: datetime
    by: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What settled a run: by which rule, when, from which state to which, and on what evidence.

    `rule` is the reason code and `words` its wording; `by` is the person, None where a program settled it.
    `workflow_run_id` is Temporal's own id of the workflow execution, None where none is known.
    """

    rule: str
    words: str
    source: str
    by: str | None
    at: datetime | None
    before: State
    after: State
    evidence: Sequence[tuple[str, str]]
    workflow_run_id: str | None


def receipt_of(run: OperationRun, transitions: Sequence[OperationRunTransition]) -> Receipt | None:
    """Return the receipt of a run's settlement; None until it is settled."""
    settled = _settling(transitions)
    if run.status != Status.COMPLETED or not settled:
        return None
    found = run.context.reconciliation
    by = _person(settled[-1])
    if found is None:
        first = settled[0]
        return Receipt(
            rule=first.reason_code,
            words=words_of(first.reason_code),
            source=SOURCES["result" if first.actor_kind == "workflow" else "dispatch"],
            by=by,
            at=run.completed_at,
            before=_state(first.from_status or Status.QUEUED, first.from_outcome),
            after=OF_RUN[run.outcome],
            evidence=(),
            workflow_run_id=run.context.workflow_run_id,
        )
    return Receipt(
        rule=found.reason_code,
        words=words_of(found.reason_code),
        source=SOURCES.get(found.source, found.source),
        by=by,
        at=found.reconciled_at,
        before=_state(found.previous.status, found.previous.outcome),
        after=OF_RUN[run.outcome],
        evidence=evidence_lines(found.evidence),
        workflow_run_id=found.evidence.get("workflow_run_id"),
    )


def settlements_of(transitions: Sequence[OperationRunTransition]) -> list[Settlement]:
    """Return each settlement of a run, the oldest first."""
    return [_settlement(step) for step in _settling(transitions)]


def evidence_lines(evidence: dict[str, Any]) -> list[tuple[str, str]]:
    """Word the evidence of a decision as label and value; leave out what is unknown or technical."""
    lines = [
        (_EVIDENCE.get(name, name), _fact(name, value))
        for name, value in evidence.items()
        if name not in _TECHNICAL
    ]
    return [(label, value) for label, value in lines if value]


def words_of(code: str) -> str:
    """Return the title of a reason code's wording."""
    return REASONS.get(code, UNKNOWN).title


def _settling(transitions: Sequence[OperationRunTransition]) -> list[OperationRunTransition]:
    return [step for step in transitions if step.to_status == Status.COMPLETED]


def _settlement(step: OperationRunTransition) -> Settlement:
    return Settlement(
        before=_state(step.from_status or Status.QUEUED, step.from_outcome),
        after=OF_RUN[step.to_outcome],
        why=words_of(step.reason_code),
        at=step.at,
        by=_person(step) or SOURCES["workflow" if step.actor_kind == "workflow" else "sweep"].lower(),
    )


def _fact(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "cause":
        return CAUSES[value].happened if value in CAUSES else str(value)
    if name == "fence":
        return _FENCES.get(value, str(value))
    if isinstance(value, list):
        found = [each[:_SHORT] if name == "commits" else str(each) for each in value]
        return ", ".join(found) or "none"
    return str(value)[:_SHORT] if name == "intended_commit" else str(value)


def _state(status: str, outcome: str | None) -> State:
    return OF_RUN[(outcome or "") if status == Status.COMPLETED else status]


def _person(step: OperationRunTransition) -> str | None:
    return step.actor_name if step.actor_kind in {"user", "token"} else None
