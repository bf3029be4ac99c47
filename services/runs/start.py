from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import Clock, utc_now
from models.contracts import OperationResult
from models.contracts.operation_input import OperationInput
from models.correlation import Correlation
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from models.reconciliation import Related
from services.runs.admission import OperationRequests
from services.runs.inputs import is_this_work
from services.runs.new_run import Dispatch
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
    settled = run.context.reconciliation
    if settled is not None and settled.reason_code == ReasonCode.ALREADY_IN_PROGRESS:
        return Claimed(run=run, refusal=_refusal(run, settled.related))
    service = OperationRunService(session, clock=clock)
    started = service.start(correlation, operation_input)
    # Mostly known already: the dispatcher records it as soon as Temporal answers.
    if dispatch.dispatched_at is not None and started.context.dispatch.dispatched_at is None:
        started = service.record_dispatched(run.id, dispatch.dispatched_at) or started
    return Claimed(run=started)


def find_ended(
    session: Session, correlation: Correlation, operation_input: OperationInput
) -> OperationRun | None:
    """Return the completed run of a workflow; None: it is active, or not the run of this work (law L6)."""
    ended = select(OperationRun).where(OperationRun.status == Status.COMPLETED)
    return session.scalars(ended.where(*is_this_work(correlation, operation_input))).one_or_none()


def _refusal(run: OperationRun, related: Related | None) -> OperationResult:
    return OperationResult(
        run_id=run.id,
        outcome=Outcome(run.outcome),
        related_type=related.type if related else None,
        related_id=related.id if related else None,
    )
