import os
import secrets
from pathlib import Path

OWNER_ONLY = 0o600


def kept_secret(path: Path) -> str:
    """Return the secret a file keeps; the first call makes it, readable by its owner alone."""
    if not path.exists():
        write_whole(path, secrets.token_urlsafe(32))
    return path.read_text().strip()


def write_whole(path: Path, text: str) -> None:
    """Write a file by rename, so that a reader meets all of it or nothing; readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "w") as file:
        file.write(text)
    draft.replace(path)
