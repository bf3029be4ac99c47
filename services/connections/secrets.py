import json
from collections.abc import Sequence
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from models.errors import EncryptionKeyMissing


def check_encryption_key(key: str) -> str:
    """Return a key that encrypts secrets; raise ValueError, without the key, for what is none."""
    try:
        Fernet(key)
    except ValueError:
        raise ValueError(
            "is not a Fernet key, 32 random bytes in URL-safe base64: openssl rand -base64 32 | tr +/ -_"
        ) from None
    return key


class SecretCipher:
    """Encrypts the secrets of connections at rest, under the keys of OPERATIONRUN_ENCRYPTION_KEY.

    The first key encrypts; the others still decrypt what was encrypted before a rotation. Without a key it
    works until a secret is needed.
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys]) if keys else None

    def encrypt(self, connection_id: UUID, secret: str) -> str:
        """Return a connection's secret as its row keeps it; raise EncryptionKeyMissing without a key.

        The text decrypts for this connection alone, so that nothing is gained by copying it into another row.
        """
        payload = json.dumps([str(connection_id), secret]).encode()
        return self._key().encrypt(payload).decode()

    def decrypt(self, connection_id: UUID, encrypted: str) -> str:
        """Return the secret; raise EncryptionKeyMissing where none of the keys is the one it needs."""
        owner, secret = json.loads(self._opened(encrypted))
        if owner != str(connection_id):
            raise EncryptionKeyMissing("The secret of this connection is not its own. Set the secret again.")
        return str(secret)

    def rotate(self, encrypted: str) -> str:
        """Return the same secret under the first key; raise EncryptionKeyMissing as `decrypt` does."""
        fernet = self._key()
        self._opened(encrypted)
        return fernet.rotate(encrypted.encode()).decode()

    def _opened(self, encrypted: str) -> bytes:
        try:
            return self._key().decrypt(encrypted.encode())
        except InvalidToken:
            raise EncryptionKeyMissing(
                "None of the keys in OPERATIONRUN_ENCRYPTION_KEY decrypts the secret of this connection. "
                "Add the key that it was encrypted under, or set the secret again."
            ) from None

    def _key(self) -> MultiFernet:
        if self._fernet is None:
            raise EncryptionKeyMissing
        return self._fernet
