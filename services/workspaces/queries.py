from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Workspace
from models.environment import Environment
from models.restore import RestorePoint


def list_workspaces(session: Session, *, workspaces: Collection[UUID]) -> Sequence[Workspace]:
    """Return the workspaces a reader may see, by name."""
    return session.scalars(
        select(Workspace).where(Workspace.id.in_(workspaces)).order_by(Workspace.name, Workspace.id)
    ).all()


def list_environments(session: Session, *, workspaces: Collection[UUID]) -> Sequence[Environment]:
    """Return the environments of the workspaces a reader may see, by name."""
    return session.scalars(
        select(Environment)
        .where(Environment.workspace_id.in_(workspaces))
        .order_by(Environment.name, Environment.id)
    ).all()


def environments_by_id(session: Session, environment_ids: Collection[UUID]) -> dict[UUID, Environment]:
    """Return environments by their ids alone; whether the reader may see them is the caller's question."""
    found = session.scalars(select(Environment).where(Environment.id.in_(environment_ids)))
    return {environment.id: environment for environment in found}


def list_restore_points(session: Session, environment: Environment) -> Sequence[RestorePoint]:
    """Return an environment's restore points, newest first."""
    return session.scalars(
        select(RestorePoint)
        .where(
            RestorePoint.workspace_id == environment.workspace_id,
            RestorePoint.environment_id == environment.id,
        )
        .order_by(RestorePoint.created_at.desc(), RestorePoint.id.desc())
    ).all()
