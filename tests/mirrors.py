from collections.abc import Sequence
from pathlib import Path

from services.connections.access import EnvironmentMirrors
from services.connections.secrets import SecretCipher
from services.repositories.mirror import MirrorStore
from services.repositories.transport import DEFAULT_LIMITS, GitLimits


def mirrors_under(
    folder: Path, *, roots: Sequence[Path] = (), limits: GitLimits = DEFAULT_LIMITS, keys: Sequence[str] = ()
) -> EnvironmentMirrors:
    """Return the mirrors of a process that keeps them in a folder and may read files under the roots.

    Servers of the tests listen on this machine, so it may be reached.
    """
    store = MirrorStore(
        folder, allowed_file_roots=roots, allowed_private_hosts=["127.0.0.0/8"], limits=limits
    )
    return EnvironmentMirrors(store, SecretCipher(keys))
