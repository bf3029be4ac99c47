from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reconciliation import ReconciliationDecision
from reconcilers.run_check import CheckResult
from reconcilers.run_judgement import Action
from services.runs.wording import CAUSES, REASONS, UNKNOWN, VARIANTS
from services.runs.write_result import WriteResult, result_of_writing
from web.ui.states import OF_RUN, State, state_of_run

_SHORT: Final = 10

_EXECUTION: Final = {
    "open": "Under way",
    "closing": "About to end",
    "closed": "Ended",
    "not_found": "Not known",
}
_LABELS: Final = {
    "cancellation_asked": "Cancellation asked for",
    "overdue": "Out of reach for longer than it should be",
    "push_refused": "The repository refused the change",
    "items_refused": "All items were refused as not valid",
    "partial": "Some items are refused by the plan",
}


@dataclass(frozen=True, kw_only=True)
class CheckPage:
    """What checking a run would decide, in words; nothing is written yet.

    `finding` names what the check finds: a key of `UNDECIDED` or `UNCHANGED`, or "decided". `after` is None
    where nothing would change, or nothing is decided. `settle` labels the button that settles the run;
    None: no button.
    """

    finding: str
    title: str
    meaning: str
    before: State
    after: State | None
    settle: str | None
    facts: Sequence[tuple[str, str]]


def check_page(run: OperationRun, checked: CheckResult) -> CheckPage:
    """Word what a check of the run would change."""
    found = checked.reconciliation
    before = state_of_run(run)
    facts = _facts(found.facts.model_dump(mode="json")) if found and found.facts else []
    if checked.action is Action.SETTLE and found is not None and found.decision is not None:
        return _decided(run, found.decision, before, facts)
    finding = _undecided(run, checked)
    title, meaning, settle = UNDECIDED[finding]
    return CheckPage(
        finding=finding, title=title, meaning=meaning, before=before, after=None, settle=settle, facts=facts
    )


def _undecided(run: OperationRun, checked: CheckResult) -> str:
    if checked.reconciliation is not None and checked.reconciliation.result == "unsupported":
        return "unsupported"
    is_over = run.status == Status.COMPLETED and checked.action is Action.LEAVE
    return "over" if is_over else checked.action


# By finding: the title, what it means, and the label of the button.
UNDECIDED: Final[Mapping[str, tuple[str, str, str | None]]] = {
    "unsupported": (
        "There is no rule for this kind of operation.",
        "Nothing can be decided about it here, and nothing would be changed.",
        None,
    ),
    "over": (
        "There is nothing to settle.",
        "It is recorded how it ended, and there is no later truth to look for.",
        None,
    ),
    Action.LEAVE: (
        "Nothing to settle: the work is not over.",
        "While the work may still act, how it ends is not decided. It is recorded when it has ended.",
        None,
    ),
    Action.DISPATCH: (
        "It would be handed over again.",
        "Its start was never confirmed, and no work is known of it. It can begin only once.",
        "Hand it over again",
    ),
    Action.TERMINATE: (
        "The work would be ended, then settled by what is true.",
        "It meets a fault in this system again and again and does not get on by itself.",
        "End it and settle it",
    ),
    Action.SETTLE: (
        "It cannot be told yet.",
        "Something it rests on is out of reach or still under way. The regular check looks again by itself.",
        None,
    ),
}


def _decided(
    run: OperationRun, decision: ReconciliationDecision, before: State, facts: Sequence[tuple[str, str]]
) -> CheckPage:
    key = (decision.reason_code.value, decision.outcome.value)
    wording = VARIANTS.get(key) or REASONS.get(decision.reason_code, UNKNOWN)
    unchanged = _why_unchanged(run, decision)
    return CheckPage(
        finding=unchanged or "decided",
        title=wording.title,
        meaning=UNCHANGED[unchanged] if unchanged else wording.body,
        before=before,
        after=None if unchanged == "recorded" else OF_RUN[decision.outcome],
        settle=None if unchanged else SETTLE,
        facts=facts,
    )


def _why_unchanged(run: OperationRun, decision: ReconciliationDecision) -> str | None:
    """Return why settling changes nothing, a key of `UNCHANGED`; None where it changes something."""
    result = result_of_writing(run, decision)
    if result is WriteResult.WRITTEN:
        return None
    contradicts = result is WriteResult.ALREADY_SUCCEEDED and decision.outcome is not Outcome.SUCCEEDED
    return "succeeded" if contradicts else "recorded"


SETTLE: Final = "Settle it so"
UNCHANGED: Final[Mapping[str, str]] = {
    "recorded": "This is what is recorded already. Nothing would change.",
    "succeeded": (
        "This is how things stand now. The operation did succeed, and a success is never taken back: "
        "nothing would change."
    ),
}


def _facts(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    lines = [("The work", _execution(facts["execution"]))]
    if "matches" in facts:
        lines.append(("Reviews that match", str(len(facts["matches"]))))
    if "branch" in facts:
        lines += _branch(facts["branch"])
    if facts.get("intended_commit"):
        lines.append(("Change that was about to be written", facts["intended_commit"][:_SHORT]))
    if facts.get("fence"):
        lines.append(("A write without an answer", FENCES[facts["fence"]]))
    flags = [(label, facts[name]) for name, label in _LABELS.items() if name in facts]
    return lines + [(label, "yes" if is_so else "no") for label, is_so in flags]


FENCES: Final[Mapping[str, str]] = {
    "needed": "a worker first makes sure at the repository that it cannot arrive any more",
    "time": "the repository offers no way to stop it; it counts as over ten minutes after it began",
}


def _execution(execution: Mapping[str, Any]) -> str:
    state = _EXECUTION.get(execution["state"], execution["state"])
    cause = CAUSES.get(execution["cause"] or "")
    return f"{state}. {cause.happened}" if cause else state


def _branch(branch: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if branch is None:
        return [("The repository", "out of reach")]
    own = ", ".join(commit[:_SHORT] for commit in branch["own_commits"]) or "none"
    return [
        ("Changes found that name this operation", own),
        ("Every planned item as planned", "yes" if branch["as_planned"] else "no"),
        ("Items that changed since the plan", ", ".join(branch["changed"]) or "none"),
    ]
