from dataclasses import dataclass
from uuid import UUID

from models.catalog import OperationType
from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from models.reconciliation import Execution, ReconciliationDecision, Related
from reconcilers.adapter import Facts, outcome_without_result

NAMED_ITEMS = 20


class BranchFacts(Facts):
    """What the live branch says of a restore; paths as plans keep them."""

    own_commits: tuple[str, ...]
    as_planned: bool
    changed: tuple[str, ...]


class RestoreFacts(Facts):
    """What a restore run's ending is decided from.

    `branch` is None where the repository is out of reach; `overdue` then tells that it has been so for
    longer than anyone should wait. `pushing` tells that an attempt holds the right to push at this
    moment. `intended_commit` is None where the run never came to pushing.
    """

    execution: Execution
    cancellation_asked: bool
    pushing: bool
    branch: BranchFacts | None
    overdue: bool
    intended_commit: str | None
    push_refused: bool
    items_refused: bool
    partial: bool
    result_id: UUID


@dataclass(frozen=True, kw_only=True)
class RestoreExecuteDecision:
    """Decides how a restore ended, from the branch itself (section 7)."""

    def decide(self, facts: RestoreFacts) -> ReconciliationDecision | None:
        """Return the first row of the table that holds; None while the truth cannot be told."""
        branch = facts.branch
        if facts.pushing:
            return None
        if branch is None:
            return self._out_of_reach(facts)
        if facts.items_refused:
            return _ends(facts, Outcome.BLOCKED, ReasonCode.ITEMS_REFUSED)
        if len(branch.own_commits) > 1:
            return _ends(facts, Outcome.ATTENTION_REQUIRED, ReasonCode.RESTORE_APPLIED_TWICE)
        if branch.as_planned:
            return self._as_planned(facts, branch)
        if branch.own_commits:
            return _ends(facts, Outcome.ATTENTION_REQUIRED, ReasonCode.RESTORE_OVERWRITTEN)
        if not facts.execution.ended:
            return None
        if branch.changed:
            return _ends(facts, Outcome.BLOCKED, ReasonCode.ENVIRONMENT_CHANGED)
        return self._not_applied(facts)

    def _as_planned(self, facts: RestoreFacts, branch: BranchFacts) -> ReconciliationDecision:
        if facts.partial:
            return _ends(facts, Outcome.PARTIALLY_SUCCEEDED, ReasonCode.RESTORE_PARTLY_APPLIED, proven=True)
        reason = ReasonCode.RESTORE_APPLIED if branch.own_commits else ReasonCode.RESTORE_NOT_NEEDED
        return _ends(facts, Outcome.SUCCEEDED, reason, proven=True)

    def _out_of_reach(self, facts: RestoreFacts) -> ReconciliationDecision | None:
        if not facts.execution.ended:
            return None
        if facts.intended_commit is None:
            # No push was ever begun, so the branch need not be asked.
            return self._not_applied(facts)
        if facts.overdue:
            return _ends(facts, Outcome.ATTENTION_REQUIRED, ReasonCode.ENVIRONMENT_UNREACHABLE)
        return None

    def _not_applied(self, facts: RestoreFacts) -> ReconciliationDecision:
        if facts.items_refused:
            return _ends(facts, Outcome.BLOCKED, ReasonCode.ITEMS_REFUSED)
        if facts.push_refused:
            return _ends(facts, Outcome.BLOCKED, ReasonCode.PUSH_REFUSED)
        outcome = outcome_without_result(facts.execution, cancellation_asked=facts.cancellation_asked)
        return _ends(facts, outcome, ReasonCode.RESTORE_NOT_APPLIED)


def _ends(
    facts: RestoreFacts, outcome: Outcome, reason_code: ReasonCode, *, proven: bool = False
) -> ReconciliationDecision:
    branch = facts.branch
    return ReconciliationDecision(
        adapter=OperationType.RESTORE_EXECUTE,
        outcome=outcome,
        reason_code=reason_code,
        related=Related(type="restore_result", id=facts.result_id) if proven else None,
        evidence={
            "cause": facts.execution.cause,
            "commits": list(branch.own_commits) if branch else None,
            "intended_commit": facts.intended_commit,
            "changed_items": list(branch.changed[:NAMED_ITEMS]) if branch else None,
        },
    )
