"""The proof that precedes any write for a workflow (law L6): whose work it is, and whether it may act."""

from models.contracts.operation_input import OperationInput
from models.correlation import Correlation, resolve
from models.errors import InvalidInput, RunRefused
from models.lifecycle import Status
from models.operation_run import OperationRun
from services.engine.port import FirstEvent
from services.runs.inputs import parse_whole_input, work_columns


def is_run_of(run: OperationRun, correlation: Correlation, operation_input: OperationInput) -> bool:
    """Return whether a run's id, type, scope and identity are those of a workflow's id and input."""
    columns = work_columns(correlation, operation_input)
    return all(getattr(run, name) == value for name, value in columns.items())


def check_may_act(
    run: OperationRun,
    correlation: Correlation,
    operation_input: OperationInput,
    *,
    workflow_run_id: str | None,
) -> None:
    """Check that a workflow execution may act for a run; raise RunRefused where it may not.

    The run is that of its id and input, and is active, or this very execution worked for it. One that was
    reset has another `workflow_run_id`: it may act as long as the run is active, and not after that.
    """
    worked = workflow_run_id is not None and run.context.workflow_run_id == workflow_run_id
    is_open = run.status != Status.COMPLETED or worked
    if not (is_open and is_run_of(run, correlation, operation_input)):
        raise RunRefused


def work_of(workflow_id: str, first: FirstEvent | None) -> tuple[Correlation, OperationInput]:
    """Return the run that a workflow names and its input, from its id and how it was started.

    Raises RunRefused: Temporal does not know it, its id does not parse, its type is not the id's, or its
    input does not hold.
    """
    correlation = resolve(workflow_id, first.workflow_type) if first else None
    if first is None or correlation is None:
        raise RunRefused
    try:
        return correlation, parse_whole_input(correlation.operation_type, first.operation_input)
    except InvalidInput as error:
        raise RunRefused from error
