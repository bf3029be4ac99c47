from dataclasses import dataclass

from models.errors import RunRefused
from models.operation_run import OperationRun
from models.reconciliation import ExecutionState
from services.engine.port import NOT_FOUND, Engine, WorkflowView
from services.runs.links import workflow_id_of
from services.runs.proof import is_run_of, work_of


@dataclass(frozen=True, kw_only=True)
class RunWorkflow:
    """What Temporal says of a run's own workflow, and of a foreign one that has its id.

    `own` is `not_found` where Temporal knows none of this work. `foreign` is None unless the newest workflow
    of that id was started with the input of other work, which means nothing for the run (law L6).
    """

    own: WorkflowView
    foreign: WorkflowView | None = None


def find_workflow(engine: Engine, run: OperationRun) -> RunWorkflow:
    """Ask Temporal for a run's own workflow; raise EngineUnreachable where it does not answer."""
    workflow_id, worked = workflow_id_of(run), run.context.workflow_run_id
    newest = engine.describe(workflow_id)
    if newest.execution.state is ExecutionState.NOT_FOUND or _is_own(engine, run, newest):
        return RunWorkflow(own=newest)
    own = engine.describe(workflow_id, workflow_run_id=worked) if worked else NOT_FOUND
    return RunWorkflow(own=own, foreign=newest)


def _is_own(engine: Engine, run: OperationRun, view: WorkflowView) -> bool:
    # Recorded by a workflow that proved itself, and spares Temporal the question.
    if view.workflow_run_id == run.context.workflow_run_id:
        return True
    workflow_id = workflow_id_of(run)
    first = engine.first_event(workflow_id, workflow_run_id=view.workflow_run_id)
    try:
        return is_run_of(run, *work_of(workflow_id, first))
    except RunRefused:
        return False
