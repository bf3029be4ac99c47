from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import AuditAction
from models.actor import Actor
from models.connection import Connection
from models.environment import Environment
from models.errors import EncryptionKeyMissing
from services.access.audit import Audit
from services.connections.secrets import SecretCipher
from services.text import counted


def reencrypt_secrets(session: Session, cipher: SecretCipher, *, actor: Actor) -> int:
    """Encrypt every secret under the first key, and return how many there are; the installation audits it.

    Raises EncryptionKeyMissing, with nothing changed, where one of them cannot be decrypted.
    """
    statement = select(Connection).where(Connection.encrypted_secret.is_not(None)).order_by(Connection.id)
    connections = session.scalars(statement.with_for_update(of=Connection)).all()
    for connection in connections:
        connection.encrypted_secret = cipher.rotate(connection.encrypted_secret or "")
    audit = Audit(session=session, workspace_id=None, actor=actor)
    audit.record(AuditAction.SECRETS_REENCRYPTED, counted(len(connections), "secret"))
    return len(connections)


def undecryptable(session: Session, cipher: SecretCipher) -> Sequence[Connection]:
    """Return the connections whose secret none of the keys decrypts."""
    return [each for each in session.scalars(select(Connection)) if not _opens(each, cipher)]


def all_environments(session: Session) -> Sequence[Environment]:
    """Return every environment of the installation with its connection, for the operator's checks."""
    return session.scalars(select(Environment).order_by(Environment.id)).all()


def _opens(connection: Connection, cipher: SecretCipher) -> bool:
    try:
        return not connection.encrypted_secret or bool(
            cipher.decrypt(connection.id, connection.encrypted_secret)
        )
    except EncryptionKeyMissing:
        return False
