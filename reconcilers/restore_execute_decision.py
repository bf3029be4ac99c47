"""The pure half of the restore adapter: a table over facts, read row by row by its test."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from pydantic import Field, computed_field

from models.catalog import OperationType
from models.contracts import Contract
from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from models.reconciliation import Execution, ReconciliationDecision, Related
from reconcilers.adapter import Facts, outcome_without_result

NAMED_ITEMS: Final = 20

# How long a repository may be out of reach before a person has to look.
UNREACHABLE_LIMIT: Final = timedelta(minutes=15)


class BranchFacts(Contract):
    """What the live branch says of a restore; paths as plans keep them."""

    own_commits: tuple[str, ...]
    as_planned: bool
    changed: tuple[str, ...]


class RestoreFacts(Facts):
    """What a restore run's ending is decided from.

    `pushing`: an attempt holds the right to push at this moment. `branch` is None where the repository is out
    of reach, and `failed_at` is since when the run knows of a failure. `intended_commit` is None where the
    run never came to pushing. `result_id` is the id that the restore's result has, or would have.
    """

    execution: Execution
    cancellation_asked: bool
    pushing: bool
    branch: BranchFacts | None
    failed_at: datetime = Field(exclude=True)
    looked_at: datetime = Field(exclude=True)
    intended_commit: str | None
    push_refused: bool
    items_refused: bool
    partial: bool
    result_id: UUID

    @computed_field  # type: ignore[prop-decorator] # mypy knows no decorated property
    @property
    def overdue(self) -> bool:
        """Whether the failure is older than `UNREACHABLE_LIMIT`."""
        return self.looked_at - self.failed_at > UNREACHABLE_LIMIT


class RestoreExecuteDecision:
    """Decides how a restore ended, from the branch itself (docs/design.md, "Reconciliation")."""

    def decide(self, facts: RestoreFacts) -> ReconciliationDecision | None:
        """Return the first row that holds; None while nothing can be decided.

        1. An attempt is pushing: nothing yet.
        2. The repository is out of reach: nothing until that is overdue, unless no push ever began.
        3. Items were refused before anything was written: blocked.
        4. More than one commit of the run: attention required.
        5. The items are as planned: succeeded, or partially where some were refused.
        6. The run's commit is there and items differ: attention required, overwritten.
        7. A planned item changed since the plan: blocked.
        8. Nothing was applied: blocked where the push was refused, else failed or cancelled.
        """
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
            # No push began, so the branch holds nothing of the run.
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
