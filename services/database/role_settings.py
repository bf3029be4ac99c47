from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, text

# A statement that takes so long is lost, and so is a client that leaves its transaction idle for so long:
# nothing waits for a network inside a transaction, and every lock that matters ends with one (law L11).
_SETTINGS: Final = {
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
    "TimeZone": "UTC",
}
_UNLIMITED: Final = "0"
# `reset_val` is what a session begins with, whatever its present transaction has set.
_BEGINS_WITH: Final = text(
    "SELECT name, reset_val FROM pg_settings WHERE name IN "
    "('statement_timeout', 'idle_in_transaction_session_timeout', 'TimeZone')"
)
_NAMES: Final = text("SELECT quote_ident(current_user), quote_ident(current_database())")


def set_missing_settings(connection: Connection) -> None:
    """Let later sessions of the present role in the present database begin with what they lack so far.

    Time limits that were chosen before, for the role or the whole server, are kept.
    """
    for statement in missing_settings(connection):
        connection.execute(text(statement))


def missing_settings(connection: Connection) -> Sequence[str]:
    """Return the ALTER ROLE statements for what sessions of the present role do not begin with.

    Any role may run them for itself. Behind a pooler, its open sessions still begin as they did.
    """
    begins_with = {row.name: row.reset_val for row in connection.execute(_BEGINS_WITH)}
    role, database = connection.execute(_NAMES).one()
    return [
        f"ALTER ROLE {role} IN DATABASE {database} SET {name} = '{value}'"
        for name, value in _SETTINGS.items()
        if begins_with[name] == _UNLIMITED or (name == "TimeZone" and begins_with[name] != value)
    ]
