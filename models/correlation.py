import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from models.catalog import OperationType

CORRELATION_VERSION: Final = 1

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TYPES = "|".join(re.escape(operation_type) for operation_type in OperationType)
_WORKFLOW_ID = re.compile(rf"operation-run\.v{CORRELATION_VERSION}\.({_TYPES})\.({_UUID})")


@dataclass(frozen=True, kw_only=True)
class Correlation:
    """A run and its operation type, as the workflow id names them."""

    operation_type: OperationType
    run_id: UUID

    @property
    def workflow_id(self) -> str:
        """The workflow id: letters, digits, dots and hyphens alone."""
        # Routes of Temporal's console break on slashes, colons and quotes.
        return f"operation-run.v{CORRELATION_VERSION}.{self.operation_type}.{self.run_id}"


def parse_workflow_id(workflow_id: str) -> Correlation | None:
    """Return the correlation that a workflow id carries.

    None: the id is none of ours, or of another version. Such a workflow has no run, and callers never
    search for one by other means (law L6).
    """
    match = _WORKFLOW_ID.fullmatch(workflow_id)
    if match is None:
        return None
    return Correlation(operation_type=OperationType(match[1]), run_id=UUID(match[2]))


def resolve(workflow_id: str, workflow_type: str) -> Correlation | None:
    """Return the run that a workflow works for: the one rule for every caller (law L6).

    None: the id does not parse, or its type is not the workflow's; the caller fails closed.
    """
    correlation = parse_workflow_id(workflow_id)
    if correlation is None or correlation.operation_type != workflow_type:
        return None
    return correlation
