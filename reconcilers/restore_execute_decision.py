"""The pure half of the restore adapter: a table over facts, read row by row by its test."""

from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from pydantic import Field, computed_field

from models.catalog import OperationType
from models.contracts import Contract
from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from models.reconciliation import Execution, ReconciliationDecision, Related
from models.run_context import PushStep, RunPush
from reconcilers.adapter import Facts, outcome_without_result

NAMED_ITEMS: Final = 20

# How long a repository may be out of reach before a person has to look.
UNREACHABLE_LIMIT: Final = timedelta(minutes=15)

# A push to a remote that takes no tickets is over after this, as far as can be known.
TIME_FENCE: Final = timedelta(minutes=10)


class BranchFacts(Contract):
    """What the live branch says of a restore; paths as plans keep them."""

    own_commits: tuple[str, ...]
    as_planned: bool
    changed: tuple[str, ...]


class RestoreFacts(Facts):
    """What a restore run's ending is decided from.

    `branch` is None where the repository is out of reach, and `failed_at` is since when the run knows of a
    failure. `intended_commit` is None where the run never came to pushing. `result_id` is the id that the
    restore's result has, or would have.
    """

    execution: Execution
    cancellation_asked: bool
    pushes: tuple[RunPush, ...] = Field(exclude=True)
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

    @computed_field  # type: ignore[prop-decorator] # mypy knows no decorated property
    @property
    def fence(self) -> Literal["needed", "time"] | None:
        """What keeps a push without an answer from landing after the decision; None: there is no such push.

        `needed`: its ticket has to be fenced first. `time`: it has none, and is over `TIME_FENCE` after it
        began. A push whose commit is on the branch has landed, whatever it was answered.
        """
        tickets = [push.ticket for push in self._under_way]
        if not tickets:
            return None
        return "needed" if all(tickets) else "time"

    @property
    def needs_fence(self) -> bool:
        """Whether a push without an answer has a ticket that can be fenced."""
        return self.fence == "needed"

    def as_fenced(self) -> "RestoreFacts":
        """Return the facts as they will be if every ticket of such a push is fenced."""
        under_way = [push for push in self._under_way if push.ticket]
        pushes = (
            push.model_copy(update={"answer": "fenced"}) if push in under_way else push
            for push in self.pushes
        )
        return self.model_copy(update={"pushes": tuple(pushes)})

    @property
    def may_still_land(self) -> bool:
        """Whether a push of the run may reach the branch after the decision."""
        if self.fence == "time":
            return self.looked_at - max(push.began_at for push in self._under_way) <= TIME_FENCE
        return self.needs_fence

    @property
    def was_taken_back(self) -> bool:
        """Whether the remote took a push by its ticket, and the branch has no commit of the run."""
        return self._lacks_own("landed")

    @property
    def is_unclear(self) -> bool:
        """Whether a ticket is in no state of ours, and the branch has no commit of the run."""
        return self._lacks_own("unclear")

    def _lacks_own(self, answer: PushStep) -> bool:
        own = self.branch.own_commits if self.branch else ()
        return not own and any(push.answer == answer for push in self.pushes)

    @property
    def _under_way(self) -> tuple[RunPush, ...]:
        own = self.branch.own_commits if self.branch else ()
        return tuple(push for push in self.pushes if push.may_land and push.commit not in own)


class RestoreExecuteDecision:
    """Decides how a restore ended, from the branch itself (docs/design.md, "Reconciliation")."""

    def decide(self, facts: RestoreFacts) -> ReconciliationDecision | None:
        """Return the first row that holds; None while nothing can be decided.

        1. A push may still land: nothing, until that is overdue.
        2. The repository is out of reach: nothing until that is overdue, unless no push was ever taken.
        3. Items were refused before anything was written: blocked.
        4. More than one commit of the run: attention required.
        5. The remote took a push that the branch lacks, or a ticket is unclear: attention required.
        6. The items are as planned: succeeded, or partially where some were refused.
        7. The run's commit is there and items differ: attention required, overwritten.
        8. A planned item changed since the plan: blocked.
        9. Nothing was applied: blocked where the push was refused, else failed or cancelled.
        """
        branch = facts.branch
        if branch is None or (facts.may_still_land and not branch.own_commits):
            return self._not_known(facts)
        if facts.items_refused:
            return _ends(facts, Outcome.BLOCKED, ReasonCode.ITEMS_REFUSED)
        if len(branch.own_commits) > 1:
            return _ends(facts, Outcome.ATTENTION_REQUIRED, ReasonCode.RESTORE_APPLIED_TWICE)
        if facts.was_taken_back:
            return _ends(facts, Outcome.ATTENTION_REQUIRED, ReasonCode.RESTORE_OVERWRITTEN)
        if facts.is_unclear:
            return _ends(facts, Outcome.ATTENTION_REQUIRED, ReasonCode.ENVIRONMENT_UNREACHABLE)
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

    def _not_known(self, facts: RestoreFacts) -> ReconciliationDecision | None:
        if not facts.execution.ended:
            return None
        if facts.fence is None and not any(push.was_taken for push in facts.pushes):
            # No push was taken, so the branch holds nothing of the run.
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
            "fence": _fenced_by(facts),
        },
    )


def _fenced_by(facts: RestoreFacts) -> str | None:
    """Return what keeps the run's pushes from landing from now on; None: they all had answers."""
    if facts.fence is not None:
        return facts.fence
    return "ticket" if any(push.answer == "fenced" for push in facts.pushes) else None
