"""The SQL that reads and writes a run's stored context, by the paths of models/run_context.py."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, func, literal
from sqlalchemy.dialects.postgresql import JSONB

from models.operation_run import OperationRun
from models.run_context import LOOK_CLAIMED_UNTIL, PUSHES, WORKFLOW_RUN_ID


def as_json(value: Any) -> BindParameter[Any]:
    """Return a value as a jsonb parameter."""
    return literal(value, JSONB())


def stored_at(path: Sequence[str]) -> Any:
    """Return the SQL that reads a key of the stored context; NULL where it is absent."""
    return OperationRun.context_json[tuple(path)]


def stored_with(path: Sequence[str], value: Any) -> Any:
    """Return the stored context with one key set: keys that another release wrote stay."""
    return func.jsonb_set(OperationRun.context_json, [*path], value)


def working_for(workflow_run_id: str | None) -> Any:
    """Return the stored context with the workflow execution that works for the run; None: as it is."""
    if workflow_run_id is None:
        return OperationRun.context_json
    return stored_with(WORKFLOW_RUN_ID, as_json(workflow_run_id))


def context_looking_at(at: datetime) -> Any:
    """Return the stored context with the time until which a look is claimed."""
    return stored_with(LOOK_CLAIMED_UNTIL, as_json(at.isoformat()))


def push_answer(index: int) -> Any:
    """Return the SQL that reads the answer to a push, counted from 0; NULL where there is none yet."""
    return stored_at((*PUSHES, str(index), "answer")).astext
