from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import ColumnElement

from models.catalog import OperationCatalog, OperationType
from models.contracts.operation_input import INPUTS, OperationInput
from models.correlation import Correlation
from models.errors import InvalidInput
from models.operation_run import OperationRun
from services.hashing import digest
from services.validation import sentence_of

# In every operation's input; a request names them beside its `input`.
SCOPE: Final = ("workspace_id", "environment_id")


def parse_input(
    operation_type: OperationType, workspace_id: UUID, environment_id: UUID, given: dict[str, Any]
) -> OperationInput:
    """Build the workflow's input from a request's; raise InvalidInput naming the field that is wrong.

    An input that names a scope of its own is refused: access was checked for the scope beside it.
    """
    for name in SCOPE:
        if name in given:
            field = f"input.{name}"
            raise InvalidInput(field, f"{field}: is not part of the input; leave it out.")
    scope = {"workspace_id": workspace_id, "environment_id": environment_id}
    return parse_whole_input(operation_type, {**given, **scope})


def parse_whole_input(operation_type: OperationType, given: object) -> OperationInput:
    """Parse the input that any SDK gave a workflow; raise InvalidInput naming the field that is wrong."""
    try:
        return INPUTS[operation_type].model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(["input", *(str(part) for part in first["loc"])])
        raise InvalidInput(field, sentence_of(first, field)) from None


def input_of(run: OperationRun) -> OperationInput:
    """Return the input of a run's workflow, from what the run stores."""
    given = run.context.input
    return parse_input(OperationType(run.type), run.workspace_id, run.environment_id, given)


def identity_of(operation_type: OperationType, operation_input: OperationInput) -> str:
    """Return the sha256 that requests of the same work share: environment and identity inputs (law L7)."""
    names = OperationCatalog.get(operation_type).identity_inputs
    facts = {name: getattr(operation_input, name) for name in names}
    return digest({"environment_id": operation_input.environment_id, **facts})


def work_columns(correlation: Correlation, operation_input: OperationInput) -> dict[str, Any]:
    """Return what the row of a workflow's run holds: id, type, scope and identity (law L6)."""
    return {
        "id": correlation.run_id,
        "type": correlation.operation_type,
        "workspace_id": operation_input.workspace_id,
        "environment_id": operation_input.environment_id,
        "identity": identity_of(correlation.operation_type, operation_input),
    }


def is_this_work(
    correlation: Correlation, operation_input: OperationInput
) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions, in SQL, that a workflow's run meets (law L6)."""
    columns = work_columns(correlation, operation_input)
    return tuple(getattr(OperationRun, name) == value for name, value in columns.items())
