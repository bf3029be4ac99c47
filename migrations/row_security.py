"""Row-level security, for migrations to give to a table: the second lock behind the services' own checks.

Two roles stand between the web and the tables. Its transactions assume `operationrun_sign_in` until it is
known who asks, and then `operationrun_web`, which sees the rows of the workspaces that the transaction
names in `operationrun.workspaces` and no others (services/database/row_security.py). A role that owns the
tables, as the worker, the sweep and the command line do, is not narrowed.
"""

from typing import Final

from alembic import op
from sqlalchemy import Connection, text

from models.errors import OperationRunError

WEB: Final = "operationrun_web"
SIGN_IN: Final = "operationrun_sign_in"
ROLES: Final = (WEB, SIGN_IN)

# A scalar subquery, so that it is read once for a statement and an index can be searched by it.
_WORKSPACES: Final = "ANY ((SELECT current_setting('operationrun.workspaces'))::uuid[])"


def narrow(table: str, *, column: str = "workspace_id") -> None:
    """Let the web read and write the rows of a table that belong to its workspaces, and no others."""
    narrow_by(table, f"{column} = {_WORKSPACES}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {WEB}")


def narrow_by(table: str, condition: str) -> None:
    """Let the web reach the rows for which a condition holds; what it may do with them is granted apart."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY web ON {table} TO {WEB} USING ({condition}) WITH CHECK ({condition})")


def open_to_sign_in(table: str, privileges: str) -> None:
    """Let a transaction that finds out who asks do something with all rows of a table."""
    op.execute(f"GRANT {privileges} ON {table} TO {SIGN_IN}")
    # It counts where the table is narrowed, and nowhere else.
    op.execute(f"CREATE POLICY sign_in ON {table} TO {SIGN_IN} USING (true) WITH CHECK (true)")


def widen(table: str) -> None:
    """Undo what the functions above did to a table."""
    op.execute(f"DROP POLICY IF EXISTS web ON {table}")
    op.execute(f"DROP POLICY IF EXISTS sign_in ON {table}")
    op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute(f"REVOKE ALL ON {table} FROM {WEB}, {SIGN_IN}")


def safe_search_path() -> str:
    """Return the search path of a function that runs with its owner's rights, for `SET search_path =`.

    Temporary tables come last: a caller's own would otherwise stand in for ours.
    """
    return f"{op.get_bind().scalar(text('SELECT quote_ident(current_schema())'))}, pg_temp"


def ensure_roles(connection: Connection) -> None:
    """Create the two roles where they are not there yet, and let the present one assume them.

    They belong to the whole server, and may be there for another database. Raises OperationRunError with what
    somebody else has to run, where the present role may not do it.
    """
    for role in ROLES:
        if not _exists(connection, role):
            _create(connection, role)
        if not _may_assume(connection, role):
            _grant(connection, role)
        schema = connection.scalar(text("SELECT quote_ident(current_schema())"))
        connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {role}"))


def _exists(connection: Connection, role: str) -> bool:
    found = connection.scalar(text("SELECT true FROM pg_roles WHERE rolname = :role"), {"role": role})
    return found is not None


def _may_assume(connection: Connection, role: str) -> bool:
    # Since version 16 a member may be one who cannot assume the role.
    how = "SET" if _version(connection) >= 160000 else "MEMBER"  # noqa: PLR2004 # as PostgreSQL numbers itself
    return bool(
        connection.scalar(text("SELECT pg_has_role(:role, :how)"), {"role": role, "how": how}),
    )


def _create(connection: Connection, role: str) -> None:
    may = text("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")
    if not connection.scalar(may):
        _refuse(connection)
    connection.execute(text(f"CREATE ROLE {role} NOLOGIN"))


def _grant(connection: Connection, role: str) -> None:
    administers = connection.scalar(
        text("SELECT pg_has_role(:role, 'MEMBER WITH ADMIN OPTION')"), {"role": role}
    )
    if not administers:
        _refuse(connection)
    connection.execute(text(f"GRANT {role} TO CURRENT_USER"))


def _refuse(connection: Connection) -> None:
    name = connection.scalar(text("SELECT quote_ident(current_user)"))
    raise OperationRunError(
        f"The database role {name} may not create the roles that the web server assumes. Let somebody who "
        f"may run this once on the server, then migrate again: CREATE ROLE {WEB} NOLOGIN; "
        f"CREATE ROLE {SIGN_IN} NOLOGIN; GRANT {WEB}, {SIGN_IN} TO {name};"
    )


def _version(connection: Connection) -> int:
    return int(connection.scalar(text("SHOW server_version_num")) or 0)
