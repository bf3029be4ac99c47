from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id


class Role(StrEnum):
    """A person's or a token's part in one workspace (section 8)."""

    OWNER = "owner"
    OPERATOR = "operator"
    REVIEWER = "reviewer"
    READER = "reader"
    CUSTOMER = "customer"


_ROLES = "role IN ('owner', 'operator', 'reviewer', 'reader', 'customer')"


class Workspace(Base):
    """The tenant boundary; all access is decided workspace first."""

    __tablename__ = "workspaces"

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("slug ~ '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$'", name="slug"),)


class User(Base):
    """A person who signs in; what they may do stands in their memberships."""

    __tablename__ = "users"

    id: Mapped[Id]
    email: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (Index("uq_users_email", text("lower(email)"), unique=True),)


class Member(Base):
    """One person's role in one workspace."""

    __tablename__ = "members"

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    role: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (CheckConstraint(_ROLES, name="role"),)


class ApiToken(Base):
    """A bearer token of one workspace; only its sha256 is kept."""

    __tablename__ = "api_tokens"

    id: Mapped[Id]
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"), index=True)
    name: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint(_ROLES, name="role"),)


class SignInLink(Base):
    """A link that signs one person in, once; only the sha256 of its secret is kept."""

    __tablename__ = "sign_in_links"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
