"""Audit entries of a transaction: collected while it works, appended as its last statement.

The lock of a chain is then held for the commit alone, and whoever holds it waits for nothing else.
"""

import json
from typing import Any, Final

from sqlalchemy import event, text
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

from models.base import Json

_PENDING: Final = "audit_entries"
_MARKS: Final = "audit_entries_before_savepoints"
_APPEND: Final = text("SELECT append_audit_entries(CAST(:entries AS jsonb))")


def add_entry(session: Session, entry: Json) -> None:
    """Add an entry, by the columns of `audit_entries`, to what the session's transaction appends at its end.

    It is lost with the transaction, or with the savepoint in which it was added.
    """
    _pending(session).append(entry)


def append_at_commit(sessions: sessionmaker[Session]) -> None:
    """Let every transaction of these sessions append its audit entries before it commits."""
    event.listen(sessions, "before_commit", _append)
    event.listen(sessions, "after_transaction_create", _mark)
    event.listen(sessions, "after_soft_rollback", _drop)


def _pending(session: Session) -> list[Json]:
    pending: list[Json] = session.info.setdefault(_PENDING, [])
    return pending


def _marks(session: Session) -> dict[SessionTransaction, int]:
    marks: dict[SessionTransaction, int] = session.info.setdefault(_MARKS, {})
    return marks


def _append(session: Session) -> None:
    if session.in_nested_transaction() or not (pending := _pending(session)):
        return
    session.flush()
    entries = json.dumps(pending, default=_plain)
    pending.clear()
    session.execute(_APPEND, {"entries": entries})


def _mark(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        _marks(session)[transaction] = len(_pending(session))


def _drop(session: Session, transaction: SessionTransaction) -> None:
    """Forget the entries of what was rolled back: of a savepoint, or else of the whole transaction."""
    marks, rolled_back = _marks(session), transaction
    while rolled_back.parent is not None and rolled_back not in marks:
        rolled_back = rolled_back.parent
    del _pending(session)[marks.pop(rolled_back, 0) :]


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
