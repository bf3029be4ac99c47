import base64
import os
import secrets
from pathlib import Path

OWNER_ONLY = 0o600


def stored_secret(path: Path) -> str:
    """Return the secret in a file; the first call creates it, readable by its owner only."""
    if not path.exists():
        write_atomically(path, secrets.token_urlsafe(32))
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
