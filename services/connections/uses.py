from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from models.connection import Connection
from models.environment import Environment

# A write for each use would lock every environment of a connection against the others.
USE_NOTED_EVERY: Final = timedelta(hours=1)


def note_use(session: Session, environment: Environment, *, by: str, at: datetime) -> None:
    """Keep who used an environment's connection last, and when; waits for nobody else's transaction."""
    connection, before = environment.connection, at - USE_NOTED_EVERY
    if connection is None or (connection.last_used_at and connection.last_used_at > before):
        return
    due = or_(Connection.last_used_at.is_(None), Connection.last_used_at <= before)
    free = select(Connection.id).where(Connection.id == connection.id, due).with_for_update(skip_locked=True)
    session.execute(
        update(Connection).where(Connection.id.in_(free)).values(last_used_at=at, last_used_by=by),
        execution_options={"synchronize_session": False},
    )
