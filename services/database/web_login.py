"""The database login of the web server, which may assume the web's two roles and never becomes more."""

from collections.abc import Sequence
from typing import Final

from psycopg import sql
from sqlalchemy import Connection, text

from models.errors import OperationRunError
from services.database.row_security import WEB_ROLES

# What a login may be or do beyond the web's roles, each a query that is true where it is so.
_POWERS: Final = {
    "it is a superuser": "SELECT rolsuper FROM pg_roles WHERE rolname = :login",
    "it may pass row-level security": "SELECT rolbypassrls FROM pg_roles WHERE rolname = :login",
    "it may create roles": "SELECT rolcreaterole FROM pg_roles WHERE rolname = :login",
    "it may create databases": "SELECT rolcreatedb FROM pg_roles WHERE rolname = :login",
    "it may replicate": "SELECT rolreplication FROM pg_roles WHERE rolname = :login",
    "it belongs to other roles": """
        SELECT count(*) > 0 FROM pg_roles r
        WHERE r.rolname <> ALL (CAST(:roles AS name[])) AND r.rolname <> :login
          AND pg_has_role(CAST(:login AS name), r.oid, 'MEMBER')""",
    "it owns tables": """
        SELECT count(*) > 0 FROM pg_class WHERE pg_get_userbyid(relowner) = :login
          AND relnamespace = current_schema()::regnamespace""",
    "it may create objects here": """
        SELECT has_schema_privilege(CAST(:login AS name), current_schema(), 'CREATE')""",
}
_EXISTS: Final = text("SELECT count(*) > 0 FROM pg_roles WHERE rolname = :login")
_HAS_ROLES: Final = text(
    "SELECT bool_and(pg_has_role(CAST(:login AS name), role, 'MEMBER')) "
    "FROM unnest(CAST(:roles AS name[])) AS role"
)


def excess_powers(connection: Connection, login: str) -> Sequence[str]:
    """Return what a database login may be or do that a web server's must not, each as a clause.

    Empty: it can assume the web's roles at most. The present role may be any.
    """
    given = {"login": login, "roles": list(WEB_ROLES)}
    return [power for power, query in _POWERS.items() if connection.scalar(text(query), given)]


def check_web_login(connection: Connection) -> None:
    """Raise OperationRunError where the connection's own login may do more than a web server's.

    A pooler may log in as another role than the URL says: the server's word counts.
    """
    _refuse_excess(connection, str(connection.scalar(text("SELECT session_user"))))


def ensure_web_login(connection: Connection, login: str, password: str | None) -> None:
    """Create the web server's login where it is missing, and let it assume the web's roles.

    An existing login keeps its password. Raises OperationRunError, with what to run, where the present role
    may not do it, and where the login may do more than a web server's.
    """
    if not connection.scalar(_EXISTS, {"login": login}):
        _need_to_create_roles(connection, login)
        create = sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(sql.Identifier(login))
        if password:
            create += sql.SQL(" PASSWORD {}").format(sql.Literal(password))
        connection.exec_driver_sql(_as_text(connection, create))
    _refuse_excess(connection, login)
    if not connection.scalar(_HAS_ROLES, {"login": login, "roles": list(WEB_ROLES)}):
        _need_to_create_roles(connection, login)
        roles = sql.SQL(", ").join(map(sql.Identifier, WEB_ROLES))
        grant = sql.SQL("GRANT {} TO {}").format(roles, sql.Identifier(login))
        connection.exec_driver_sql(_as_text(connection, grant))


def _refuse_excess(connection: Connection, login: str) -> None:
    if excess := excess_powers(connection, login):
        raise OperationRunError(
            f"The web server's database login {login!r} may do too much: {'; '.join(excess)}. Give "
            "OPERATIONRUN_WEB_DATABASE_URL another login, which `operationrun migrate` creates."
        )


def _need_to_create_roles(connection: Connection, login: str) -> None:
    may = text("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")
    if connection.scalar(may):
        return
    name = connection.scalar(text("SELECT quote_ident(:login)"), {"login": login})
    raise OperationRunError(
        "The database role of OPERATIONRUN_DATABASE_URL may not create the web server's login. Run this "
        f"once as a role that may, then migrate again: CREATE ROLE {name} LOGIN NOINHERIT PASSWORD '…'; "
        f"GRANT {', '.join(WEB_ROLES)} TO {name};"
    )


def _as_text(connection: Connection, statement: sql.Composed) -> str:
    driver = connection.connection.driver_connection
    # Doubled, because the driver looks for parameters.
    return statement.as_string(driver).replace("%", "%%")
