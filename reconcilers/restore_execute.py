from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import ClassVar, Final

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from models.base import Json, utc_now
from models.catalog import OperationType
from models.contracts.restore_execute import RestoreExecuteInput
from models.environment import Environment
from models.errors import RepositoryError
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from models.reconciliation import Execution, ReconciliationDecision
from models.restore import RestorePlan
from reconcilers.adapter import REGISTRY, Outside
from reconcilers.restore_execute_decision import BranchFacts, RestoreExecuteDecision, RestoreFacts
from reconcilers.restore_outside import RestoreOutside
from services.connections.access import EnvironmentMirrors
from services.restores.planned_items import PlannedItems
from services.restores.progress import read_progress
from services.restores.push_ledger import pushes_of
from services.restores.results import record_result, restore_result_id
from services.runs.inputs import input_of

_OUT_OF_REACH: Final = frozenset(
    {
        ReasonCode.ENVIRONMENT_UNREACHABLE,
        ReasonCode.REPOSITORY_NOT_COVERED,
        ReasonCode.ENCRYPTION_KEY_MISSING,
    }
)


@REGISTRY.register
class RestoreExecuteAdapter:
    """Reads from the live branch how far a restore came."""

    operation_type: ClassVar[OperationType] = OperationType.RESTORE_EXECUTE
    outside: ClassVar[type[Outside] | None] = RestoreOutside

    def __init__(self, mirrors: EnvironmentMirrors) -> None:
        self._mirrors = mirrors

    def collect(self, session: Session, run: OperationRun, execution: Execution) -> RestoreFacts:
        """Read the branch at the remote; write nothing."""
        planned = _planned(session, run, after_read=session.commit)
        environment = session.get_one(Environment, run.environment_id)
        session.commit()
        codes = {failure["code"] for failure in run.failures}
        return RestoreFacts(
            execution=execution,
            cancellation_asked=run.context.cancellation is not None,
            pushes=tuple(pushes_of(run)),
            branch=None if _given_up(run, codes) else self._branch(run, environment, planned),
            failed_at=_failed_at(run),
            looked_at=utc_now(),
            intended_commit=run.context.intended_commit,
            push_refused=ReasonCode.PUSH_REFUSED in codes,
            items_refused=ReasonCode.ITEMS_REFUSED in codes,
            partial=bool(planned.refuses),
            result_id=restore_result_id(run.id),
        )

    def decide(self, run: OperationRun, facts: RestoreFacts) -> ReconciliationDecision | None:  # noqa: ARG002
        """Return the table's decision."""
        return RestoreExecuteDecision().decide(facts)

    def foresee(self, run: OperationRun, facts: RestoreFacts) -> ReconciliationDecision | None:
        """Return the table's decision, should every push without an answer be fenced."""
        return self.decide(run, facts.as_fenced())

    def record(
        self, session: Session, run: OperationRun, facts: RestoreFacts, decision: ReconciliationDecision
    ) -> None:
        """Record the restore result that the branch proves."""
        if decision.related is not None and facts.branch is not None:
            commit = facts.branch.own_commits[0] if facts.branch.own_commits else None
            record_result(session, run, _planned(session, run), commit)

    def _branch(
        self, run: OperationRun, environment: Environment, planned: PlannedItems
    ) -> BranchFacts | None:
        try:
            mirror = self._mirrors.open(environment)
            head = mirror.head_of(environment.branch)
            if head is None:
                return BranchFacts(own_commits=(), as_planned=False, changed=())
            seen = read_progress(mirror, environment, planned, run, head)
        except RepositoryError:
            return None
        return BranchFacts(
            own_commits=tuple(seen.own_commits), as_planned=seen.as_planned, changed=tuple(seen.changed)
        )


def _given_up(run: OperationRun, codes: Collection[str]) -> bool:
    """Return whether the run ends because the repository was out of reach, before it came to pushing.

    Another fetch would only keep the run open; nothing of it can be on the branch.
    """
    return not _OUT_OF_REACH.isdisjoint(codes) and not pushes_of(run)


def _planned(
    session: Session, run: OperationRun, *, after_read: Callable[[], None] = lambda: None
) -> PlannedItems:
    operation_input = input_of(run)
    assert isinstance(operation_input, RestoreExecuteInput)  # noqa: S101 - the registry goes by the run's type
    plan = session.get_one(RestorePlan, operation_input.restore_plan_id, options=[defer(RestorePlan.changes)])

    def changes() -> Sequence[Json]:
        found = session.scalars(select(RestorePlan.changes).where(RestorePlan.id == plan.id)).one()
        after_read()
        return found

    return PlannedItems(plan, changes)


def _failed_at(run: OperationRun) -> datetime:
    last = max((failure["at"] for failure in run.failures), default=None)
    return datetime.fromisoformat(last) if last else run.updated_at
