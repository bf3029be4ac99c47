import re
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.base import Clock, utc_now
from models.environment import Environment
from models.errors import Conflict, InvalidInput
from services.repositories.locations import (
    check_branch,
    check_path_prefix,
    check_ref,
    check_repository_url,
)

_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")


class Environments:
    """Registers environments. The repository is first looked at by an operation, not here."""

    def __init__(
        self,
        session: Session,
        *,
        allowed_file_roots: Sequence[Path],
        clock: Clock = utc_now,
    ) -> None:
        self._session = session
        self._roots = allowed_file_roots
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
            "slug": _check_slug(slug),
            "name": _check_name(name),
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
        return environment


def _check_slug(slug: str) -> str:
    if not _SLUG.fullmatch(slug):
        raise InvalidInput(
            "slug", "A slug is 1 to 64 lowercase letters, digits and hyphens, with no hyphen at either end."
        )
    return slug


def _check_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 200 or not name.isprintable():  # noqa: PLR2004 - said in the message
        raise InvalidInput("name", "A name is 1 to 200 printable characters.")
    return name
