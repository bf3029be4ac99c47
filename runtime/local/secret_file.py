import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

OWNER_ONLY = 0o600


def new_password() -> str:
    """Return 43 random characters."""
    return secrets.token_urlsafe(32)


def new_signing_key() -> str:
    """Return a new Ed25519 private key in PEM."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def stored_secret(path: Path, make: Callable[[], str] = new_password) -> str:
    """Return the secret in a file; the first call makes it, readable by its owner only."""
    if not path.exists():
        write_atomically(path, make())
    return path.read_text().strip()


def stored_encryption_key(path: Path) -> str:
    """Return the Fernet key in a file; the first call creates it, readable by its owner only.

    Without the key the secrets of connections are lost: a copy of the data directory has to hold it.
    """
    if not path.exists():
        write_atomically(path, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    return path.read_text().strip()


def write_atomically(path: Path, text: str) -> None:
    """Write a file by rename, so that a reader sees all of it or nothing; readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "w") as file:
        file.write(text)
    draft.replace(path)
