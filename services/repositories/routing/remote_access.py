from dataclasses import dataclass, field

from models.connection import ConnectionKind

__all__ = ["ConnectionKind", "RemoteAccess"]


@dataclass(frozen=True, kw_only=True)
class RemoteAccess:
    """What the git calls of one environment may use to reach its remote (law L12): its connection, decrypted.

    `secret`: a token for `https`, a private key in OpenSSH's form for `ssh`, None for `file` and `machine`.
    `known_hosts`: lines as OpenSSH reads them, for `ssh`. `url_prefix`: normalised; for `file` a folder.
    """

    kind: ConnectionKind
    url_prefix: str
    username: str | None = None
    secret: str | None = field(default=None, repr=False)
    known_hosts: str | None = None
