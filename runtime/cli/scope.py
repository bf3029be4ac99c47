import getpass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Workspace
from models.actor import Actor
from models.connection import Connection
from models.environment import Environment
from models.errors import InvalidInput
from models.operation_run import OperationRun
from services.database.paging import as_uuid, searchable
from services.workspaces.workspaces import Workspaces


def command_line_actor() -> Actor:
    """Return who acts: the operating system's user."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "somebody"
    return Actor(kind="user", name=f"{name} (command line)")


def workspace_ids(session: Session, slug: str | None) -> frozenset[UUID]:
    """Return the workspace of that slug, or all there are; the command line sees the whole database."""
    if slug is not None:
        return frozenset({Workspaces(session).find(slug).id})
    return frozenset(session.scalars(select(Workspace.id)))


def find_connection(session: Session, given: str, workspace: str | None) -> Connection:
    """Return a connection by id or name; raise InvalidInput where there is none, or more than one."""
    connection_id = as_uuid(given)
    named = Connection.id == connection_id if connection_id else Connection.name == searchable(given)
    statement = select(Connection).where(
        named, Connection.workspace_id.in_(workspace_ids(session, workspace))
    )
    found = session.scalars(statement).all()
    if not found:
        raise InvalidInput(
            "connection", f"There is no connection {given!r}. See: operationrun connection list"
        )
    if len(found) > 1:
        raise InvalidInput(
            "connection", f"Several workspaces have a connection {given!r}. Say which with --workspace."
        )
    return found[0]


def find_environment(session: Session, given: str, workspace: str | None) -> Environment:
    """Return an environment by id or slug; raise InvalidInput where there is none, or more than one."""
    environment_id = as_uuid(given)
    named = Environment.id == environment_id if environment_id else Environment.slug == searchable(given)
    statement = select(Environment).where(
        named, Environment.workspace_id.in_(workspace_ids(session, workspace))
    )
    found = session.scalars(statement).all()
    if not found:
        raise InvalidInput(
            "environment", f"There is no environment {given!r}. See: operationrun environment list"
        )
    if len(found) > 1:
        raise InvalidInput(
            "environment", f"Several workspaces have an environment {given!r}. Say which with --workspace."
        )
    return found[0]


def find_run(session: Session, given: str) -> OperationRun:
    """Return a run by its id; raise InvalidInput where there is none."""
    run = session.get(OperationRun, need_id("run", given))
    if run is None:
        raise InvalidInput("run", f"There is no run {given}. See: operationrun runs")
    return run


def need_id(field: str, given: str) -> UUID:
    """Read an id from the command line; raise InvalidInput for what is none."""
    found = as_uuid(given)
    if found is None:
        raise InvalidInput(field, f"{given!r} is not an id.")
    return found
