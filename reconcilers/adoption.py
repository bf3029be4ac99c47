from models.base import Clock, utc_now
from models.correlation import resolve
from models.errors import InvalidInput, RunRefused
from models.operation_run import OperationRun
from services.database.session import Database
from services.engine.port import Engine
from services.runs.admission import OperationRequests
from services.runs.inputs import parse_whole_input
from services.runs.new_run import Dispatch


def adopt(
    database: Database,
    engine: Engine,
    workflow_id: str,
    *,
    connection: str,
    clock: Clock = utc_now,
) -> OperationRun | None:
    """Register the run of an open, correlated workflow that has no row, by the laws of any registration.

    None: its type disagrees with its id, or its input or scope does not hold; nothing is written, and the
    workflow's own first step refuses it (law L6).
    """
    first = engine.first_event(workflow_id)
    correlation = resolve(workflow_id, first.workflow_type) if first else None
    if first is None or correlation is None:
        return None
    target = Dispatch(queue=first.task_queue, connection=connection, dispatched_at=first.started_at)
    try:
        operation_input = parse_whole_input(correlation.operation_type, first.operation_input)
        with database.transaction() as session:
            requests = OperationRequests(session, target=target, clock=clock)
            return requests.ensure_run(correlation, operation_input)
    except (InvalidInput, RunRefused):
        return None
