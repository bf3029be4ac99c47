from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from models.access import AuditAction
from models.actor import Actor
from models.connection import Connection
from models.errors import EnvironmentUnreachable, InvalidInput, RepositoryError
from services.access.audit import Audit
from services.connections.access import EnvironmentMirrors, access_by
from services.connections.matching import covers
from services.connections.queries import environments_of

# Repositories that one check asks, each within the time limit of a fetch.
MOST_ASKED: Final = 3
_OUT_OF_REACH: Final = (
    "{url} could not be reached with this connection. Check the URL, that its host is allowed, and that the "
    "credentials are valid and may read it."
)


@dataclass(frozen=True, kw_only=True)
class CheckedConnection:
    """Whether a connection reaches its repositories; `problem` is None exactly where it does."""

    ok: bool
    problem: str | None = None


def urls_to_check(session: Session, connection: Connection, url: str | None = None) -> Sequence[str]:
    """Return the repositories that a check asks: the given one, else those of the connection's environments.

    Without either it is the prefix itself. Raises InvalidInput where the connection does not cover the given.
    """
    if url:
        if not covers(connection, url):
            raise InvalidInput("repository_url", "This connection does not cover that repository.")
        return [url]
    used = [environment.repository_url for environment in environments_of(session, connection.id)]
    return list(dict.fromkeys(used))[:MOST_ASKED] or [connection.url_prefix]


def record_check(session: Session, connection: Connection, *, actor: Actor) -> None:
    """Audit that a connection's repositories are asked."""
    audit = Audit(session=session, workspace_id=connection.workspace_id, actor=actor)
    audit.record(AuditAction.CONNECTION_CHECKED, connection.name, subject_id=connection.id)


def check_connection(
    mirrors: EnvironmentMirrors, connection: Connection, urls: Sequence[str]
) -> CheckedConnection:
    """Ask each repository for its refs by the connection; no transaction is open, nothing is fetched.

    What is out of reach reads the same whatever the reason, so that nothing is learned of inner networks.
    """
    for url in urls:
        try:
            access = access_by(connection, url, mirrors.cipher)
            mirrors.store.open(connection.id, url, access).ask()
        except EnvironmentUnreachable:
            return CheckedConnection(ok=False, problem=_OUT_OF_REACH.format(url=url))
        except (RepositoryError, InvalidInput) as error:
            return CheckedConnection(ok=False, problem=str(error))
    return CheckedConnection(ok=True)
