"""Row-level security's side of a transaction: whose rows it may reach (migrations/row_security.py)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

# One statement, so that assuming the role and naming the workspaces is one round trip. The last setting says
# that this release can show every act of the audit (migrations/versions/0012_audit_chain.py).
_ASSUME: Final = text(
    "SELECT set_config('role', :role, true), set_config('operationrun.workspaces', :workspaces, true), "
    "set_config('operationrun.acts', 'all', true)"
)
_GIVEN: Final = "row_scope"


@dataclass(frozen=True, kw_only=True)
class RowScope:
    """The database role that a transaction assumes, and the workspaces whose rows it then sees."""

    role: str
    workspaces: frozenset[UUID] = frozenset()

    def assume(self, connection: Connection) -> None:
        """Narrow the connection's present transaction to the scope; its end takes that back."""
        workspaces = "{" + ",".join(sorted(map(str, self.workspaces))) + "}"
        connection.execute(_ASSUME, {"role": self.role, "workspaces": workspaces})


# The roles that a web server's transactions assume (migrations/row_security.py creates them).
WEB_ROLES: Final = ("operationrun_web", "operationrun_sign_in")
_WEB, _SIGN_IN = WEB_ROLES

# The principal is not known yet: only the tables of signing in are visible.
SIGNING_IN: Final = RowScope(role=_SIGN_IN)


# What belongs to no workspace: the figures of the ledger as a whole.
OF_NO_WORKSPACE: Final = RowScope(role=_WEB)


def within(workspaces: frozenset[UUID]) -> RowScope:
    """Return the scope of a principal who belongs to these workspaces."""
    return RowScope(role=_WEB, workspaces=workspaces)


def narrow(sessions: sessionmaker[Session], scope: Callable[[], RowScope]) -> None:
    """Narrow every transaction to the scope it was opened with, or by default to `scope()`."""

    def assume(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
        if not transaction.nested:
            given: RowScope | None = session.info.get(_GIVEN)
            (given or scope()).assume(connection)

    event.listen(sessions, "after_begin", assume)


def info_of(scope: RowScope | None) -> dict[str, RowScope]:
    """Return the session's info that names the scope it is opened with."""
    return {_GIVEN: scope} if scope else {}
