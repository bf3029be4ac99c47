from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.actor import Actor
from models.base import Clock, utc_now
from models.errors import NotFound
from models.operation_run import OperationRun
from models.reconciliation import Execution, ReconciliationDecision, Source
from reconcilers.adapter import REGISTRY, Adapter, AdapterRegistry
from services.database.session import Database
from services.repositories.mirror import MirrorStore
from services.runs.service import OperationRunService, WriteResult

_log = structlog.get_logger()


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
    """Settles one run from business truth: lock it, find its adapter, collect, decide, write."""

    def __init__(
        self,
        database: Database,
        mirrors: MirrorStore,
        *,
        registry: AdapterRegistry = REGISTRY,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._mirrors = mirrors
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

        The decision and the artifact it rests on are written in one transaction (law L8), under the run's
        row lock, so that nothing the decision rests on in PostgreSQL changes meanwhile.
        """
        with self._database.transaction() as session:
            run = _locked(session, run_id, skip_locked=skip_locked)
            if run is None:
                return Reconciliation(result="busy")
            adapter = self._adapter(run)
            if adapter is None:
                return Reconciliation(result="unsupported")
            facts = adapter.collect(session, run, execution)
            decision = adapter.decide(run, facts)
            if decision is None:
                return Reconciliation(result="no_decision", facts=facts)
            adapter.record(session, run, facts, decision)
            service = OperationRunService(session, clock=self._clock)
            written = service.update_run_with_reconciliation(run_id, decision, source=source, actor=actor)
        if written is WriteResult.WRITTEN:
            _log.info(
                "run_reconciled", run_id=str(run_id), outcome=decision.outcome, reason=decision.reason_code
            )
        return Reconciliation(
            result="decision", decision=decision, facts=facts, written=written is WriteResult.WRITTEN
        )

    def preview(self, run_id: UUID, execution: Execution) -> Reconciliation:
        """Return what `reconcile` would decide now and from which facts; write nothing. Raises NotFound."""
        with self._database.transaction() as session:
            run = session.get(OperationRun, run_id)
            if run is None:
                raise NotFound
            adapter = self._adapter(run)
            if adapter is None:
                return Reconciliation(result="unsupported")
            facts = adapter.collect(session, run, execution)
            decision = adapter.decide(run, facts)
        return Reconciliation(
            result="decision" if decision else "no_decision", decision=decision, facts=facts
        )

    def _adapter(self, run: OperationRun) -> Adapter | None:
        found = self._registry.find(run.type)
        return found(self._mirrors) if found else None


def _locked(session: Session, run_id: UUID, *, skip_locked: bool) -> OperationRun | None:
    """Lock a run; None: another transaction holds it, and the caller does not wait."""
    statement = select(OperationRun).where(OperationRun.id == run_id)
    run = session.scalars(statement.with_for_update(skip_locked=skip_locked)).one_or_none()
    if run is None and (not skip_locked or session.get(OperationRun, run_id) is None):
        raise NotFound
    return run
