from typing import Any

from sqlalchemy import ForeignKeyConstraint


def within_environment() -> ForeignKeyConstraint:
    """Tie a row's (workspace_id, environment_id) to one environment, so that no row can cross a workspace."""
    return ForeignKeyConstraint(
        ["workspace_id", "environment_id"], ["environments.workspace_id", "environments.id"]
    )


def one_of(column: str, values: Any) -> str:
    """Return the SQL condition that holds `column` to the values of an enum."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"
