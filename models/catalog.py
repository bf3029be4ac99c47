from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from models.errors import UnknownOperationType


class OperationType(StrEnum):
    """The canonical spelling of each operation; no other is accepted anywhere (law L3)."""

    ENVIRONMENT_REVIEW_COMPOSE = "environment.review.compose"
    RESTORE_EXECUTE = "restore.execute"


class Capability(StrEnum):
    """What a role may do in its workspace; access is never judged any finer."""

    OPERATIONS_VIEW = "operations.view"
    OPERATIONS_ACT = "operations.act"
    REVIEWS_VIEW = "reviews.view"
    REVIEWS_MANAGE = "reviews.manage"
    REVIEWS_PUBLISHED_VIEW = "reviews.published.view"
    ENVIRONMENTS_MANAGE = "environments.manage"
    WORKSPACE_MANAGE = "workspace.manage"


TASK_QUEUE: Final = "operation-runs"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What one type of operation is: its words, its workflow, who may start it, and its time limits.

    `identity_inputs` are the inputs that, with the environment, make two requests the same work (law L7).
    `deadline` ends the work inside the workflow, `execution_timeout` is Temporal's net behind it.
    """

    type: OperationType
    label: str
    verb: str
    workflow_class: str
    capability: Capability
    identity_inputs: tuple[str, ...]
    deadline: timedelta
    execution_timeout: timedelta


class OperationCatalog:
    """Every operation, by its canonical type."""

    _operations: Final = {
        operation.type: operation
        for operation in (
            Operation(
                type=OperationType.ENVIRONMENT_REVIEW_COMPOSE,
                label="Environment review",
                verb="Compose a review",
                workflow_class="workflows.review_compose.EnvironmentReviewComposeWorkflow",
                capability=Capability.OPERATIONS_ACT,
                identity_inputs=("ref",),
                deadline=timedelta(minutes=30),
                execution_timeout=timedelta(hours=2),
            ),
            Operation(
                type=OperationType.RESTORE_EXECUTE,
                label="Restore",
                verb="Execute a restore",
                workflow_class="workflows.restore_execute.RestoreExecuteWorkflow",
                capability=Capability.OPERATIONS_ACT,
                identity_inputs=("restore_plan_id",),
                deadline=timedelta(minutes=30),
                execution_timeout=timedelta(hours=2),
            ),
        )
    }

    @classmethod
    def get(cls, operation_type: str) -> Operation:
        """Return the operation of a canonical type; raise UnknownOperationType for any other spelling."""
        try:
            return cls._operations[OperationType(operation_type)]
        except ValueError:
            raise UnknownOperationType(operation_type, known=[*OperationType]) from None

    @classmethod
    def all(cls) -> tuple[Operation, ...]:
        """Return every operation, in catalog order."""
        return tuple(cls._operations.values())
