from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.access import AuditAction
from models.actor import Actor
from models.base import Clock, utc_now
from models.environment import Environment
from models.errors import Conflict
from services.access.audit import SYSTEM, Audit
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
        """Insert an environment; raise InvalidInput by field, or Conflict where the slug is taken."""
        values = {
            "id": uuid7(),
            "workspace_id": workspace_id,
            "slug": check_slug(slug),
            "name": check_name(name),
            "repository_url": check_repository_url(repository_url, allowed_file_roots=self._roots),
            "branch": check_branch(branch),
            "path_prefix": check_path_prefix(path_prefix),
            "baseline_ref": check_ref(baseline_ref, field="baseline_ref") if baseline_ref else None,
            "created_at": self._clock(),
        }
        statement = insert(Environment).values(values).on_conflict_do_nothing().returning(Environment)
        environment = self._session.scalars(statement).one_or_none()
        if environment is None:
            raise Conflict(f"This workspace has an environment {slug!r} already. Choose another slug.")
        self._record(AuditAction.ENVIRONMENT_CREATED, environment)
        return environment

    def _record(self, action: AuditAction, environment: Environment) -> None:
        audit = Audit(
            session=self._session,
            workspace_id=environment.workspace_id,
            actor=self._actor,
            clock=self._clock,
        )
        audit.record(action, environment.name, subject_id=environment.id, detail=environment.repository_url)
