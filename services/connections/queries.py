from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.connection import Connection
from models.environment import Environment


def list_connections(session: Session, *, workspaces: Collection[UUID]) -> Sequence[Connection]:
    """Return the connections of the workspaces a reader may see, by name."""
    statement = select(Connection).where(Connection.workspace_id.in_(workspaces))
    return session.scalars(statement.order_by(func.lower(Connection.name), Connection.id)).all()


def environments_of(session: Session, connection_id: UUID) -> Sequence[Environment]:
    """Return the environments that use a connection, by name."""
    statement = select(Environment).where(Environment.connection_id == connection_id)
    return session.scalars(statement.order_by(Environment.name, Environment.id)).all()
