from dataclasses import dataclass

from sqlalchemy.orm import Session

from models.base import Clock, utc_now
from models.contracts import OperationResult
from models.contracts.operation_input import OperationInput
from models.correlation import Correlation
from models.errors import RunRefused
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from services.runs.admission import OperationRequests
from services.runs.new_run import Dispatch
from services.runs.proof import check_may_act
from services.runs.service import OperationRunService


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """The run of a workflow's first activity; `refusal` is the result where it is a blocked duplicate."""

    run: OperationRun
    refusal: OperationResult | None = None


def claim(
    session: Session,
    correlation: Correlation,
    operation_input: OperationInput,
    *,
    dispatch: Dispatch,
    clock: Clock = utc_now,
) -> Claimed:
    """Mark a run running for its workflow, in the first business activity's transaction.

    A workflow that was started directly has its run registered first. `dispatch` says on which queue
    Temporal accepted the workflow, and when. Raises RunRefused (law L6).
    """
    requests = OperationRequests(session, target=dispatch, clock=clock)
    run = requests.ensure_run(correlation, operation_input)
    if refusal := refusal_of(run):
        return Claimed(run=run, refusal=refusal)
    service = OperationRunService(session, clock=clock)
    started = service.start(correlation, operation_input, dispatch.workflow_run_id)
    # Mostly known already: the dispatcher records it as soon as Temporal answers.
    if dispatch.dispatched_at is not None and started.context.dispatch.dispatched_at is None:
        started = service.record_dispatched(run.id, dispatch.dispatched_at) or started
    return Claimed(run=started)


def resume(
    session: Session,
    correlation: Correlation,
    operation_input: OperationInput,
    *,
    workflow_run_id: str,
    clock: Clock = utc_now,
) -> OperationRun:
    """Return the run of a workflow's later step, active or completed by this execution.

    Raises RunRefused where there is none, or another execution completed it (law L6).
    """
    run = session.get(OperationRun, correlation.run_id)
    if run is None:
        raise RunRefused
    check_may_act(run, correlation, operation_input, workflow_run_id=workflow_run_id)
    # Mostly known: another execution takes over where the workflow was reset.
    if run.context.workflow_run_id != workflow_run_id:
        return OperationRunService(session, clock=clock).record_workflow(run.id, workflow_run_id) or run
    return run


def find_ended(
    session: Session,
    correlation: Correlation,
    operation_input: OperationInput,
    *,
    workflow_run_id: str | None,
) -> OperationRun | None:
    """Return the run that this workflow execution completed; None: it is active, or does not exist.

    Raises RunRefused where the execution may not act for it (law L6).
    """
    run = session.get(OperationRun, correlation.run_id)
    if run is None or run.status != Status.COMPLETED:
        return None
    check_may_act(run, correlation, operation_input, workflow_run_id=workflow_run_id)
    return run


def refusal_of(run: OperationRun) -> OperationResult | None:
    """Return the result of a workflow whose run is a blocked duplicate; None: its run is none."""
    settled = run.context.reconciliation
    if settled is None or settled.reason_code != ReasonCode.ALREADY_IN_PROGRESS:
        return None
    related = settled.related
    return OperationResult(
        run_id=run.id,
        outcome=Outcome(run.outcome),
        related_type=related.type if related else None,
        related_id=related.id if related else None,
    )
