from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.connections.access import EnvironmentMirrors
from services.connections.secrets import SecretCipher
from services.repositories.mirror import MirrorStore
from services.repositories.routing.remote_access import ConnectionKind, RemoteAccess
from services.repositories.transport import DEFAULT_LIMITS, GitLimits

# Servers of the tests listen on this machine.
LOCAL: Final = ("127.0.0.0/8",)
# Opens every file that the roots of a store allow.
FILES: Final = RemoteAccess(kind=ConnectionKind.FILE, url_prefix="/")


def access_to(url: str) -> RemoteAccess:
    """Return an access of the machine's own to a repository: to its files, or with its credentials."""
    is_file = url.startswith(("/", "file:"))
    return FILES if is_file else RemoteAccess(kind=ConnectionKind.MACHINE, url_prefix=url)


def mirrors_under(
    folder: Path, *, roots: Sequence[Path] = (), limits: GitLimits = DEFAULT_LIMITS, keys: Sequence[str] = ()
) -> EnvironmentMirrors:
    """Return the mirrors of a process that keeps them in a folder and may read files under the roots."""
    store = MirrorStore(folder, allowed_file_roots=roots, allowed_private_hosts=LOCAL, limits=limits)
    return EnvironmentMirrors(store, SecretCipher(keys))
