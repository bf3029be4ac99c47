from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.access import AuditAction
from models.actor import Actor
from models.base import Clock, utc_now
from models.connection import OWNERS_KINDS, Connection, ConnectionKind
from models.errors import Conflict, InvalidInput
from services.access.audit import Audit
from services.connections.matching import covers
from services.connections.queries import environments_of
from services.connections.repository_urls import location_of
from services.connections.secrets import SecretCipher
from services.connections.values import (
    check_api,
    check_known_hosts,
    check_secret,
    check_url_prefix,
    check_username,
)
from services.repositories.locations import check_repository_url
from services.validation import check_name

_OPERATORS: Final = (
    "Whoever runs this installation made this connection; only the command line changes or removes it."
)
# What PATCH changes; the rest of a connection is for good.
CHANGEABLE: Final = ("name", "url_prefix", "username", "secret", "known_hosts", "api_type", "api_url")


class Connections:
    """Creates, changes and removes the connections of one workspace; each act is audited."""

    def __init__(
        self,
        session: Session,
        workspace_id: UUID,
        *,
        actor: Actor,
        cipher: SecretCipher,
        clock: Clock = utc_now,
    ) -> None:
        self._session = session
        self._workspace_id = workspace_id
        self._actor = actor
        self._cipher = cipher
        self._clock = clock

    def create(self, *, name: str, kind: ConnectionKind, url_prefix: str, **given: str | None) -> Connection:
        """Insert a connection with its owner's own credentials; `given` as in CHANGEABLE.

        Raises InvalidInput by field, Conflict where the name is taken, and EncryptionKeyMissing.
        """
        if kind not in OWNERS_KINDS:
            raise InvalidInput("kind", f"An owner makes connections of kind {' or '.join(OWNERS_KINDS)}.")
        if not given.get("secret"):
            raise InvalidInput(
                "secret", f"A connection of kind {kind} needs a secret: a token or a private key."
            )
        return self._insert(name=name, kind=kind, url_prefix=url_prefix, given=given)

    def create_for_operator(
        self, *, name: str, kind: ConnectionKind, url_prefix: str, allowed_file_roots: Sequence[Path]
    ) -> Connection:
        """Insert a connection that uses what this machine has: its files, or its own credentials.

        Raises InvalidInput by field, also for a folder outside the roots, and Conflict for a taken name.
        """
        if kind is ConnectionKind.FILE:
            _check_folder(url_prefix, allowed_file_roots)
        return self._insert(name=name, kind=kind, url_prefix=url_prefix, given={})

    def change(self, connection: Connection, given: Mapping[str, str | None]) -> Connection:
        """Change what `given` names of CHANGEABLE; a `secret` replaces the one before.

        Raises InvalidInput by field, EncryptionKeyMissing, and Conflict for a connection of the operator's or
        a taken name. An environment keeps its cover, and a secret goes to no other host than before.
        """
        if connection.kind not in OWNERS_KINDS:
            raise Conflict(_OPERATORS)
        if "secret" in given and not given["secret"]:
            raise InvalidInput("secret", "A secret is replaced, never taken away. Leave it out to keep it.")
        before, after = _merged(connection, {}), _merged(connection, given)
        if "secret" not in given and _hosts_of(after) - _hosts_of(before):
            raise InvalidInput(
                "secret", "This change sends the secret to another host than before. Enter the secret again."
            )
        values = self._values(connection.id, ConnectionKind(connection.kind), after)
        if "name" in values and values["name"] != connection.name:
            self._check_free(values["name"])
        for name, value in values.items():
            setattr(connection, name, value)
        self._check_cover(connection)
        connection.changed_by, connection.changed_at = self._actor.name, self._clock()
        self._session.flush()
        self._record(AuditAction.CONNECTION_CHANGED, connection, detail=", ".join(sorted(given)))
        return connection

    def remove(self, connection: Connection, *, for_operator: bool = False) -> None:
        """Delete a connection; raise Conflict while an environment uses it, or where the operator made it."""
        if connection.kind not in OWNERS_KINDS and not for_operator:
            raise Conflict(_OPERATORS)
        if used_by := environments_of(self._session, connection.id):
            names = ", ".join(environment.name for environment in used_by[:3])
            raise Conflict(f"Environments use this connection: {names}. Give them another one first.")
        self._session.delete(connection)
        self._session.flush()
        self._record(AuditAction.CONNECTION_REMOVED, connection)

    def _insert(
        self, *, name: str, kind: ConnectionKind, url_prefix: str, given: Mapping[str, str | None]
    ) -> Connection:
        connection_id = uuid7()
        values = {
            "id": connection_id,
            "workspace_id": self._workspace_id,
            "kind": kind,
            "created_by": self._actor.name,
            "created_at": self._clock(),
            **self._values(connection_id, kind, {**given, "name": name, "url_prefix": url_prefix}),
        }
        statement = insert(Connection).values(values).on_conflict_do_nothing().returning(Connection)
        connection = self._session.scalars(statement).one_or_none()
        if connection is None:
            raise _taken(name)
        self._record(AuditAction.CONNECTION_CREATED, connection)
        return connection

    def _values(
        self, connection_id: UUID, kind: ConnectionKind, given: Mapping[str, str | None]
    ) -> dict[str, Any]:
        """Return the checked columns of what is given, the secret encrypted."""
        prefix = check_url_prefix(given["url_prefix"] or "", kind)
        values: dict[str, Any] = {
            "name": check_name(given["name"] or ""),
            "url_prefix": given["url_prefix"],
            "username": check_username(given.get("username"), kind, prefix),
            "known_hosts": check_known_hosts(given.get("known_hosts"), kind),
            **check_api(given.get("api_type"), given.get("api_url")),
        }
        if secret := given.get("secret"):
            values["encrypted_secret"] = self._cipher.encrypt(connection_id, check_secret(secret, kind))
        return values

    def _check_free(self, name: str) -> None:
        named = select(Connection.id).where(
            Connection.workspace_id == self._workspace_id, Connection.name == name
        )
        if self._session.scalar(named) is not None:
            raise _taken(name)

    def _check_cover(self, connection: Connection) -> None:
        for environment in environments_of(self._session, connection.id):
            if not covers(connection, environment.repository_url):
                raise InvalidInput(
                    "url_prefix",
                    f"The environment {environment.name!r} uses this connection, and this prefix does not "
                    f"cover {environment.repository_url}. Give it another connection first.",
                )

    def _record(self, action: AuditAction, connection: Connection, detail: str = "") -> None:
        audit = Audit(
            session=self._session, workspace_id=self._workspace_id, actor=self._actor, clock=self._clock
        )
        audit.record(
            action,
            connection.name,
            subject_id=connection.id,
            detail=detail or f"{connection.kind}, {connection.url_prefix}",
        )


def _merged(connection: Connection, given: Mapping[str, str | None]) -> dict[str, str | None]:
    kept = {name: getattr(connection, name) for name in CHANGEABLE if name != "secret"}
    return {**kept, **given}


def _hosts_of(given: Mapping[str, str | None]) -> set[str]:
    """Return the hosts that a connection's secret is sent to."""
    prefix, api_url = given["url_prefix"] or "", given.get("api_url")
    hosts = {location_of(prefix, field="url_prefix").host}
    return hosts | ({location_of(api_url, field="api.url").host} if api_url else set())


def _check_folder(folder: str, roots: Sequence[Path]) -> None:
    try:
        check_repository_url(folder, allowed_file_roots=roots)
    except InvalidInput as error:
        raise InvalidInput("url_prefix", str(error)) from None


def _taken(name: str) -> Conflict:
    return Conflict(f"This workspace has a connection {name!r} already. Choose another name.")
