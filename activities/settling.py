from activities.tracking import correlation
from models.actor import Actor
from models.contracts import OperationResult
from models.errors import NoDecisionYet
from models.reconciliation import Execution
from reconcilers.orchestrator import AdapterRunReconciler


def settle(reconciler: AdapterRunReconciler, execution: Execution) -> OperationResult:
    """Settle the present activity's run by business truth.

    Raises NoDecisionYet, which is retried, where the truth cannot be told yet.
    """
    run = correlation()
    actor = Actor(kind="workflow", name=run.workflow_id)
    settled = reconciler.reconcile(run.run_id, execution, source="workflow", actor=actor)
    if settled.decision is None:
        raise NoDecisionYet
    related = settled.decision.related
    return OperationResult(
        run_id=run.run_id,
        outcome=settled.decision.outcome,
        related_type=related.type if related else None,
        related_id=related.id if related else None,
    )
