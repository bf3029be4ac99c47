from sqlalchemy import select
from sqlalchemy.orm import Session

from models.catalog import OperationType
from models.contracts import OperationInput, RestoreExecuteInput
from models.environment import Environment
from models.errors import InvalidInput, NotFound
from models.lifecycle import ACTIVE
from models.operation_run import OperationRun
from models.restore import RestorePlan
from services.new_run import NewRun


def check_scope(session: Session, operation_input: OperationInput) -> None:
    """Check that what an operation names belongs together.

    Raises NotFound where the workspace has no such environment, and InvalidInput where the environment has
    no such restore plan.
    """
    environment = session.get(Environment, operation_input.environment_id)
    if environment is None or environment.workspace_id != operation_input.workspace_id:
        raise NotFound
    if isinstance(operation_input, RestoreExecuteInput):
        # Not the plan itself: it may have thousands of changes.
        plan = select(RestorePlan.environment_id).where(RestorePlan.id == operation_input.restore_plan_id)
        if session.scalar(plan) != environment.id:
            raise InvalidInput(
                "input.restore_plan_id",
                "This environment has no such restore plan. Make one from one of its restore points.",
            )


def run_in_the_way(session: Session, new: NewRun) -> OperationRun | None:
    """Return the active run that does the same work, else, for a restore, the environment's active restore.

    None: whatever stood in the way has ended meanwhile (law L7).
    """
    active = select(OperationRun).where(
        OperationRun.workspace_id == new.operation_input.workspace_id,
        OperationRun.environment_id == new.operation_input.environment_id,
        OperationRun.type == new.correlation.operation_type,
        OperationRun.status.in_(ACTIVE),
    )
    same = session.scalars(active.where(OperationRun.identity == new.identity)).one_or_none()
    if same is not None or new.correlation.operation_type is not OperationType.RESTORE_EXECUTE:
        return same
    return session.scalars(active).one_or_none()


def as_requested(operation_type: OperationType, operation_input: OperationInput) -> dict[str, str | None]:
    """Return a request as a flat object, so that a differing field can be named as the caller wrote it."""
    scope = {"workspace_id", "environment_id"}
    values: dict[str, str | None] = operation_input.model_dump(mode="json", exclude=scope)
    return {
        "type": operation_type,
        "environment_id": str(operation_input.environment_id),
        **{f"input.{name}": value for name, value in values.items()},
    }
