from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.actor import Actor
from models.base import Clock, utc_now
from models.errors import NotFound
from models.operation_run import OperationRun
from models.reconciliation import Execution, ReconciliationDecision, Source
from reconcilers.adapter import REGISTRY, Adapter, AdapterRegistry, Outside
from reconcilers.looks import next_look
from services.connections.access import EnvironmentMirrors
from services.database.session import Database
from services.runs.service import OperationRunService
from services.runs.write_result import WriteResult

_log = structlog.get_logger()

# How often the facts are collected again where the run changes meanwhile.
ROUNDS: Final = 5


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """What reconciling one run did.

    `decision` is None exactly where `result` is not `decision`; `written`: a row changed. `busy`: another
    transaction holds the run.
    """

    result: Literal["decision", "unsupported", "no_decision", "busy"]
    decision: ReconciliationDecision | None = None
    facts: Any = None
    written: bool = False


class AdapterRunReconciler:
    """Settles one run from business truth: find its adapter, collect, fence, lock, decide, write.

    `fences`: whether this process may act at a run's repository so that nothing lands after a decision.
    """

    def __init__(
        self,
        database: Database,
        mirrors: EnvironmentMirrors,
        *,
        fences: bool = True,
        registry: AdapterRegistry = REGISTRY,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._mirrors = mirrors
        self.fences = fences
        self._registry = registry
        self._clock = clock

    def reconcile(
        self,
        run_id: UUID,
        execution: Execution,
        *,
        source: Source,
        actor: Actor,
        skip_locked: bool = False,
    ) -> Reconciliation:
        """Decide about a run and have OperationRunService write it; raise NotFound where there is no run.

        1. Collect the facts with no transaction open.
        2. Fence what the run may have under way outside (law L11), and collect again.
        3. Lock the run. Where it is not as it was when the facts were collected, drop them and begin again.
        4. Write the decision and the artifact it rests on in one transaction (law L8).
        """
        for _ in range(ROUNDS):
            run, adapter, facts = self._collect(run_id, execution)
            if adapter is None:
                return Reconciliation(result="unsupported")
            outside = adapter.outside(self._database, self._mirrors) if adapter.outside else None
            if self.fences and outside and outside.fence(run, facts):
                continue
            settled = self._settle(run, adapter, facts, source=source, actor=actor, skip_locked=skip_locked)
            if settled is not None:
                self._finish(run, outside, settled)
                return settled
        return Reconciliation(result="busy")

    def asks_outside(self, operation_type: str) -> bool:
        """Return whether reconciling a run of a type may wait for something that does not answer."""
        adapter = self._registry.find(operation_type)
        return adapter is not None and adapter.outside is not None

    def preview(self, run_id: UUID, execution: Execution) -> Reconciliation:
        """Return what `reconcile` would decide now and from which facts; act nowhere. Raises NotFound.

        Where something has to be fenced first, the facts say so, and the decision takes it for fenced.
        """
        run, adapter, facts = self._collect(run_id, execution)
        if adapter is None:
            return Reconciliation(result="unsupported")
        decision = adapter.foresee(run, facts)
        return Reconciliation(
            result="decision" if decision else "no_decision", decision=decision, facts=facts
        )

    def _collect(self, run_id: UUID, execution: Execution) -> tuple[OperationRun, Adapter | None, Any]:
        """Return the run, its adapter and what that read; None and None for a type without one."""
        with self._database.reading() as session:
            run = session.get(OperationRun, run_id)
            if run is None:
                raise NotFound
            found = self._registry.find(run.type)
            adapter = found(self._mirrors) if found else None
            facts = adapter.collect(session, run, execution) if adapter else None
            session.commit()
        return run, adapter, facts

    def _settle(
        self,
        seen: OperationRun,
        adapter: Adapter,
        facts: Any,
        *,
        source: Source,
        actor: Actor,
        skip_locked: bool,
    ) -> Reconciliation | None:
        """Decide and write under the run's lock; None: the run has changed since the facts were collected."""
        with self._database.transaction() as session:
            run = _locked(session, seen.id, skip_locked=skip_locked)
            if run is None:
                return Reconciliation(result="busy")
            if _differs(run, seen):
                return None
            decision = adapter.decide(run, facts)
            if decision is None:
                return Reconciliation(result="no_decision", facts=facts)
            adapter.record(session, run, facts, decision)
            service = OperationRunService(session, clock=self._clock)
            written = service.update_run_with_reconciliation(run.id, decision, source=source, actor=actor)
            look_at = next_look(decision, run.completed_at or self._clock(), self._clock())
            if look_at != run.context.look_claimed_until:
                service.plan_look(run.id, look_at)
        return Reconciliation(
            result="decision", decision=decision, facts=facts, written=written is WriteResult.WRITTEN
        )

    def _finish(self, run: OperationRun, outside: Outside | None, settled: Reconciliation) -> None:
        if settled.decision is None or not settled.written:
            return
        _log.info(
            "run_reconciled",
            run_id=str(run.id),
            outcome=settled.decision.outcome,
            reason=settled.decision.reason_code,
        )
        if self.fences and outside:
            outside.tidy(run)


def _differs(run: OperationRun, seen: OperationRun) -> bool:
    """Return whether a run has changed in what a decision rests on."""
    return any(
        getattr(run, name) != getattr(seen, name) for name in ("status", "outcome", "failures")
    ) or any(
        getattr(run.context, name) != getattr(seen.context, name)
        for name in ("cancellation", "reconciliation", "pushes", "intended_commit", "fingerprint")
    )


def _locked(session: Session, run_id: UUID, *, skip_locked: bool) -> OperationRun | None:
    """Lock a run; None: another transaction holds it, and the caller does not wait."""
    statement = select(OperationRun).where(OperationRun.id == run_id)
    run = session.scalars(statement.with_for_update(skip_locked=skip_locked)).one_or_none()
    if run is None and (not skip_locked or session.get(OperationRun, run_id) is None):
        raise NotFound
    return run
