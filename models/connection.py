from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, one_of


class ConnectionKind(StrEnum):
    """How a connection reaches repositories, and with whose credentials."""

    HTTPS = "https"
    SSH = "ssh"
    FILE = "file"
    MACHINE = "machine"


class ApiType(StrEnum):
    """A Git host whose API opens pull or merge requests."""

    GITHUB = "github"
    GITLAB = "gitlab"


# Made by a workspace's owners with credentials of their own; the others by the installation's operator alone.
OWNERS_KINDS: Final = (ConnectionKind.HTTPS, ConnectionKind.SSH)


class Connection(Base):
    """A workspace's way to its repositories: those under `url_prefix`, with these credentials (law L12).

    `url_prefix` as it was given. `encrypted_secret`: a token or a private key, encrypted by
    services/connections; null exactly for `file` and `machine`. `last_used_at` is up to an hour behind.
    """

    __tablename__ = "connections"

    id: Mapped[Id]
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str]
    kind: Mapped[str]
    url_prefix: Mapped[str]
    username: Mapped[str | None]
    encrypted_secret: Mapped[str | None]
    known_hosts: Mapped[str | None]
    api_type: Mapped[str | None]
    api_url: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    changed_by: Mapped[str | None]
    changed_at: Mapped[datetime | None]
    last_used_by: Mapped[str | None]
    last_used_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("workspace_id", "name"),
        # An environment refers to its connection by both ids, so that none can cross a workspace.
        UniqueConstraint("workspace_id", "id"),
        CheckConstraint(one_of("kind", ConnectionKind), name="kind"),
        CheckConstraint("(kind IN ('https', 'ssh')) = (encrypted_secret IS NOT NULL)", name="secret"),
        CheckConstraint("kind <> 'ssh' OR known_hosts IS NOT NULL", name="known_hosts"),
        CheckConstraint(one_of("api_type", ApiType), name="api_type"),
        CheckConstraint("(api_type IS NULL) = (api_url IS NULL)", name="api"),
    )
