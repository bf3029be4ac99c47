"""Rendered reports and packs in the database: claimed, kept, and read in pieces.

Each function works inside a short transaction; a claim is a row, so that it holds behind a pooler.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_skip
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.rendered_file import RenderedFile, RenderedPiece
from services.reports.kept.file_names import FileName
from services.reports.rendering import rendering_version

# Longer than any rendering may take; a claim of a process that was killed ends by itself.
CLAIM: Final = timedelta(minutes=7)
# A file that could not be rendered is not tried again before.
PAUSE_AFTER_PROBLEM: Final = timedelta(minutes=15)
PIECE: Final = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class WantedFile:
    """A report or pack of a review."""

    review_id: UUID
    workspace_id: UUID
    name: FileName


def find(session: Session, wanted: WantedFile) -> RenderedFile | None:
    """Return the file as it is now, with its `sha256` where it is kept; None where a process may claim it."""
    return session.scalar(select(RenderedFile).where(*_is(wanted), _is_current()))


def claim(session: Session, wanted: WantedFile) -> UUID | None:
    """Claim a file for rendering; None where it is kept, or claimed by another process."""
    session.execute(delete(RenderedFile).where(*_is(wanted), ~_is_current()))
    values = {
        "id": uuid7(),
        "review_id": wanted.review_id,
        "workspace_id": wanted.workspace_id,
        "name": str(wanted.name),
        "version": rendering_version(),
        "claimed_until": func.now() + CLAIM,
    }
    claimed: UUID | None = session.scalar(
        insert_or_skip(RenderedFile).values(values).on_conflict_do_nothing().returning(RenderedFile.id)
    )
    return claimed


def keep(session: Session, claimed: UUID, wanted: WantedFile, file: BinaryIO) -> None:
    """Keep a rendered file, from its beginning; a claim that another process has taken over keeps nothing."""
    if session.get(RenderedFile, claimed, with_for_update=True) is None:
        return
    sha256, size = hashlib.sha256(), 0
    file.seek(0)
    for position, piece in enumerate(iter(lambda: file.read(PIECE), b"")):
        sha256.update(piece)
        size += len(piece)
        values = {"file_id": claimed, "position": position, "content": piece}
        session.execute(insert(RenderedPiece).values(workspace_id=wanted.workspace_id, **values))
    session.execute(
        update(RenderedFile)
        .where(RenderedFile.id == claimed)
        .values(sha256=sha256.hexdigest(), size=size, claimed_until=None)
    )


def record_problem(session: Session, claimed: UUID, code: str) -> None:
    """Record why a file cannot be rendered, for as long as no process shall try again."""
    session.execute(
        update(RenderedFile)
        .where(RenderedFile.id == claimed)
        .values(problem=code, claimed_until=func.now() + PAUSE_AFTER_PROBLEM)
    )


def release(session: Session, claimed: UUID) -> None:
    """Give up a claim, so that another process may take it at once."""
    session.execute(delete(RenderedFile).where(RenderedFile.id == claimed, RenderedFile.sha256.is_(None)))


def read_piece(session: Session, file_id: UUID, position: int) -> bytes | None:
    """Return a piece of a kept file; None behind its end."""
    return session.scalar(
        select(RenderedPiece.content).where(
            RenderedPiece.file_id == file_id, RenderedPiece.position == position
        )
    )


def _is(wanted: WantedFile) -> tuple[ColumnElement[bool], ...]:
    return (RenderedFile.review_id == wanted.review_id, RenderedFile.name == str(wanted.name))


def _is_current() -> ColumnElement[bool]:
    """Match what is kept or claimed: of this version, and no claim that has ended."""
    return and_(
        RenderedFile.version == rendering_version(),
        or_(RenderedFile.sha256.is_not(None), RenderedFile.claimed_until > func.now()),
    )
