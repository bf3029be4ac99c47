from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from uuid_utils.compat import uuid7

from models.access import AuditAction
from models.actor import Actor
from models.base import Clock, utc_now
from models.connection import Connection
from models.environment import Environment
from models.errors import Conflict, InvalidInput
from services.access.audit import SYSTEM, Audit
from services.connections.matching import choose, covers
from services.connections.queries import list_connections
from services.connections.repository_urls import location_of, refuse_user
from services.repositories.locations import check_repository_url
from services.repositories.paths import check_path_prefix
from services.repositories.refs import check_branch, check_ref
from services.validation import check_name, check_slug


class Environments:
    """Registers environments, and audits that. The first operation reads the repository, not this."""

    def __init__(
        self,
        session: Session,
        *,
        allowed_file_roots: Sequence[Path],
        actor: Actor = SYSTEM,
        clock: Clock = utc_now,
    ) -> None:
        self._session = session
        self._roots = allowed_file_roots
        self._actor = actor
        self._clock = clock

    def create(
        self,
        *,
        workspace_id: UUID,
        slug: str,
        name: str,
        repository_url: str,
        branch: str,
        path_prefix: str = "",
        baseline_ref: str | None = None,
    ) -> Environment:
        """Insert an environment with the connection that covers its repository, the longest of several.

        Raises InvalidInput by field, for `repository_url` too where no connection of the workspace covers it,
        and Conflict where the slug is taken.
        """
        connection = self._connection(workspace_id, repository_url)
        values = {
            "id": uuid7(),
            "workspace_id": workspace_id,
            "slug": check_slug(slug),
            "name": check_name(name),
            "repository_url": repository_url,
            "connection_id": connection.id,
            "branch": check_branch(branch),
            "path_prefix": check_path_prefix(path_prefix),
            "baseline_ref": check_ref(baseline_ref, field="baseline_ref") if baseline_ref else None,
            "created_at": self._clock(),
        }
        statement = insert(Environment).values(values).on_conflict_do_nothing().returning(Environment)
        environment = self._session.scalars(statement).one_or_none()
        if environment is None:
            raise Conflict(f"This workspace has an environment {slug!r} already. Choose another slug.")
        set_committed_value(environment, "connection", connection)
        self._record(AuditAction.ENVIRONMENT_CREATED, environment, detail=environment.repository_url)
        return environment

    def connect(self, environment: Environment, connection_id: UUID) -> Environment:
        """Give an environment another connection of its workspace that covers its repository.

        Raises InvalidInput("connection_id") for any other.
        """
        connection = self._session.get(Connection, connection_id)
        if connection is None or connection.workspace_id != environment.workspace_id:
            raise InvalidInput("connection_id", "This workspace has no such connection.")
        if not covers(connection, environment.repository_url):
            raise InvalidInput(
                "connection_id",
                f"The connection {connection.name!r} does not cover {environment.repository_url}. "
                "Choose one whose URL prefix does.",
            )
        environment.connection_id = connection.id
        self._session.flush()
        set_committed_value(environment, "connection", connection)
        self._record(AuditAction.CONNECTION_CHOSEN, environment, detail=connection.name)
        return environment

    def _record(self, action: AuditAction, environment: Environment, *, detail: str) -> None:
        audit = Audit(
            session=self._session,
            workspace_id=environment.workspace_id,
            actor=self._actor,
            clock=self._clock,
        )
        audit.record(action, environment.name, subject_id=environment.id, detail=detail)

    def _connection(self, workspace_id: UUID, repository_url: str) -> Connection:
        refuse_user(repository_url)
        check_repository_url(repository_url, allowed_file_roots=self._roots)
        location_of(repository_url)
        found = choose(list_connections(self._session, workspaces=[workspace_id]), repository_url)
        if found is None:
            raise InvalidInput(
                "repository_url",
                "No connection of this workspace covers this repository. An owner adds one for https or ssh "
                "under Connections; for a file or the machine's own credentials, whoever runs this "
                "installation does: operationrun connection create",
            )
        return found
