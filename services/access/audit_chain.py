"""The chain of audit entries, verified from its first entry; docs/reference.md, "Audit", has its form."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Result, Row, select
from sqlalchemy.orm import Session

from models.access import INSTALLATION, AuditChain, AuditEntry, Workspace
from services.hashing import sha256_of

# So many entries are in memory at once.
_AT_ONCE: Final = 1000


@dataclass(frozen=True, kw_only=True)
class ChainCheck:
    """One chain as it was found; `workspace` is a slug, None for the installation's own chain.

    `problem` None: every entry is as it was appended, and none is missing.
    """

    workspace: str | None
    count: int
    head: str
    problem: str | None


def chain_head(session: Session, workspace_id: UUID) -> tuple[int, str]:
    """Return how many audit entries a workspace has, and the hash of the last; (0, "") for none.

    Whoever keeps both can tell later whether the tail was cut off.
    """
    found = session.get(AuditChain, workspace_id)
    return (found.count, found.head) if found else (0, "")


def hash_of(previous: str, entry: Any) -> str:
    """Return the hash of a row of `audit_entries`; `previous` is that of the one before, "" for the first."""
    fields = [
        str(entry.workspace_id) if entry.workspace_id else None,
        entry.position,
        entry.action,
        entry.subject,
        str(entry.subject_id) if entry.subject_id else None,
        entry.detail,
        entry.actor_kind,
        entry.actor_name,
        f"{entry.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        entry.request_id,
        entry.address,
    ]
    return sha256_of(previous + json.dumps(fields, ensure_ascii=False))


def verify_chains(session: Session) -> Sequence[ChainCheck]:
    """Verify every chain, the installation's first and then by workspace; one that is empty is left out.

    The session must not have begun: its transaction is one snapshot, in which an entry that is appended
    meanwhile is no difference.
    """
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    slugs = {row.id: row.slug for row in session.execute(select(Workspace.id, Workspace.slug))}
    known = (select(AuditChain.chain), select(AuditEntry.workspace_id).distinct())
    chains = {found or INSTALLATION for each in known for found in session.scalars(each)}
    checks = [_verified(session, chain, slugs.get(chain)) for chain in chains]
    return sorted(checks, key=lambda check: check.workspace or "")


def _verified(session: Session, chain: UUID, workspace: str | None) -> ChainCheck:
    count, head = chain_head(session, chain)
    # Closed also where the first difference ends the reading.
    with _entries(session, chain) as entries:
        problem = _problem(entries, count, head)
    return ChainCheck(workspace=workspace, count=count, head=head, problem=problem)


def _entries(session: Session, chain: UUID) -> Result[Any]:
    columns = AuditEntry.__table__.columns
    of_chain = columns.workspace_id.is_(None) if chain == INSTALLATION else columns.workspace_id == chain
    statement = select(*columns).where(of_chain).order_by(columns.position)
    return session.execute(statement, execution_options={"yield_per": _AT_ONCE})


def _problem(entries: Iterable[Row[Any]], count: int, head: str) -> str | None:
    """Return the first difference between the entries and their hashes, count and head."""
    position, previous = 0, ""
    for entry in entries:
        position += 1
        if entry.position > position:
            return f"Entry {position} is missing."
        if entry.position < position or entry.hash != hash_of(previous, entry):
            return f"Entry {entry.position} was changed or inserted."
        previous = entry.hash
    if position < count:
        return f"The last {count - position} of {count} entries are missing."
    if (position, previous) != (count, head):
        return f"Entries were added behind entry {count}, or the head of the chain was changed."
    return None
