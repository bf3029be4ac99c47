from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKeyConstraint, MetaData, Text, inspect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column
from uuid_utils.compat import uuid7

Id = Annotated[UUID, mapped_column(primary_key=True, default=uuid7)]
Json = dict[str, Any]
# For constraints, JSON Schema and `check_slug`: 1 to 64 lowercase letters, digits and inner hyphens.
SLUG_PATTERN = "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$"
# Returns the present moment, aware and in UTC; injected so that tests can set it.
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the current time as an aware UTC datetime: the clock that services take by default."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """The tables of this project; fixed constraint names let errors be translated by name."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        str: Text(),
        datetime: DateTime(timezone=True),
        Json: JSONB(),
        list[Json]: JSONB(),
        list[str]: JSONB(),
    }


def columns_of(row: Base) -> Json:
    """Return a row as its table has it: the values by column name."""
    return {column.key: getattr(row, name) for name, column in inspect(type(row)).columns.items()}


def within_environment() -> ForeignKeyConstraint:
    """Return the foreign key that keeps a row's environment inside the row's workspace."""
    return ForeignKeyConstraint(
        ["workspace_id", "environment_id"], ["environments.workspace_id", "environments.id"]
    )


def one_of(column: str, values: Any) -> str:
    """Return the SQL condition that `column` is one of the values of an enum."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"
