"""What `doctor` says of connections: the keys, the cover of every environment, and shared repositories."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.access import Workspace
from models.environment import Environment
from models.errors import EnvironmentUnreachable, InvalidInput
from runtime.local.finding import Finding
from runtime.settings import Settings
from services.connections.matching import covers
from services.connections.repository_urls import Location, location_of
from services.connections.rotation import all_environments, undecryptable
from services.connections.secrets import SecretCipher
from services.database.session import Database
from services.repositories.routing.addresses import AllowedHosts, CheckedHost

_NAMED = 3


def examine_connections(settings: Settings) -> Sequence[Finding]:
    """Check the connections of every workspace; nothing where there is no database, or it is not migrated."""
    if settings.database_url is None:
        return []
    database = Database.connect(settings.database_url, pool_size=1)
    try:
        with database.transaction() as session:
            environments = all_environments(session)
            return [
                _keys(session, settings),
                _cover(environments),
                _shared(session, environments),
                _private_hosts(environments, AllowedHosts(settings.allowed_private_hosts)),
            ]
    except DBAPIError:
        return []
    finally:
        database.close()


def _keys(session: Session, settings: Settings) -> Finding:
    closed = undecryptable(session, SecretCipher(settings.encryption_key))
    if closed:
        return Finding(
            check="encryption key",
            ok=False,
            found=f"does not decrypt the secret of {_named([each.name for each in closed])}",
            fix="Set OPERATIONRUN_ENCRYPTION_KEY to the keys in use, or enter these secrets again.",
        )
    return Finding(
        check="encryption key",
        ok=bool(settings.encryption_key),
        found="decrypts every secret" if settings.encryption_key else "not set",
        fix="https and ssh connections need OPERATIONRUN_ENCRYPTION_KEY: openssl rand -base64 32 | tr +/ -_",
        needed=False,
    )


def _cover(environments: Sequence[Environment]) -> Finding:
    bare = [
        environment.slug
        for environment in environments
        if environment.connection is None or not covers(environment.connection, environment.repository_url)
    ]
    return Finding(
        check="connections of environments",
        ok=not bare,
        found=f"none covers the repository of {_named(bare)}" if bare else "cover every repository",
        fix="Create a connection, then PATCH /api/v1/environments/{id} with its connection_id.",
    )


def _shared(session: Session, environments: Sequence[Environment]) -> Finding:
    """Name the repositories that environments of several workspaces read: one of them may be a stranger."""
    slugs = {workspace.id: workspace.slug for workspace in session.scalars(select(Workspace))}
    readers: dict[tuple[str, str, tuple[str, ...]], set[str]] = defaultdict(set)
    for environment in environments:
        location = _location(environment.repository_url)
        if location:
            readers[location.scheme, location.host, location.path].add(slugs[environment.workspace_id])
    shared = [sorted(each) for each in readers.values() if len(each) > 1]
    found = "; ".join(" and ".join(each) for each in shared[:_NAMED])
    return Finding(
        check="shared repositories",
        ok=not shared,
        found=f"one repository in several workspaces: {found}" if shared else "none",
        fix="Ask which workspace it belongs to; in the others remove its connection, or narrow it.",
        needed=False,
    )


def _private_hosts(environments: Sequence[Environment], allowed: AllowedHosts) -> Finding:
    """Name the hosts that git calls refuse, as this machine resolves them."""
    locations = filter(None, (_location(environment.repository_url) for environment in environments))
    hosts = sorted({location.host for location in locations if location.host})
    refused = [host for host in hosts if not _may_be_reached(host, allowed)]
    return Finding(
        check="hosts of repositories",
        ok=not refused,
        found=f"loopback, link-local or private: {_named(refused)}" if refused else "public, or allowed",
        fix="Set OPERATIONRUN_ALLOWED_PRIVATE_HOSTS for every worker and web server.",
    )


def _may_be_reached(host: str, allowed: AllowedHosts) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        CheckedHost(parts.hostname or "", parts.port or 443, allowed).addresses(must_resolve=False)
    except EnvironmentUnreachable:
        return False
    return True


def _location(url: str) -> Location | None:
    try:
        return replace(location_of(url), user=None)
    except InvalidInput:
        return None


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
