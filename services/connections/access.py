from pathlib import Path

from models.connection import Connection, ConnectionKind
from models.environment import Environment
from models.errors import RepositoryNotCovered
from services.connections.matching import covers
from services.connections.repository_urls import Location, location_of
from services.connections.secrets import SecretCipher
from services.repositories.mirror import Mirror, MirrorStore
from services.repositories.routing.remote_access import RemoteAccess


def access_of(environment: Environment, cipher: SecretCipher) -> RemoteAccess:
    """Return what git may use to reach an environment's repository: its connection, decrypted (law L12).

    Raises RepositoryNotCovered where it has no connection, or one that does not cover its URL any more, and
    EncryptionKeyMissing where the connection's secret cannot be decrypted.
    """
    if environment.connection is None:
        raise RepositoryNotCovered
    return access_by(environment.connection, environment.repository_url, cipher)


def access_by(connection: Connection, repository_url: str, cipher: SecretCipher) -> RemoteAccess:
    """Return what git may use to reach a repository by a connection; raises as `access_of` does."""
    if not covers(connection, repository_url):
        raise RepositoryNotCovered
    encrypted = connection.encrypted_secret
    return RemoteAccess(
        kind=ConnectionKind(connection.kind),
        url_prefix=_folder_of(location_of(connection.url_prefix)),
        username=connection.username,
        secret=cipher.decrypt(connection.id, encrypted) if encrypted else None,
        known_hosts=connection.known_hosts,
    )


def _folder_of(prefix: Location) -> str:
    """Return a prefix in its one form; for a file with the `.git` that git itself tries."""
    with_suffix = f"{prefix.text}.git"
    is_bare = prefix.scheme == "file" and not Path(prefix.text).exists() and Path(with_suffix).exists()
    return with_suffix if is_bare else prefix.text


class EnvironmentMirrors:
    """The mirrors of environments, each reached by its own connection and nothing else (law L12)."""

    def __init__(self, store: MirrorStore, cipher: SecretCipher) -> None:
        self.store = store
        self.cipher = cipher

    def open(self, environment: Environment) -> Mirror:
        """Return an environment's mirror; contacts nothing.

        Raises as `access_of` does, and InvalidInput where the URL is no longer allowed.
        """
        access = access_of(environment, self.cipher)
        return self.store.open(environment.id, environment.repository_url, access)
