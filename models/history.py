from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json


class OperationRunHistory(Base):
    """The compact story of a run's workflow, kept when the workflow has closed (section 8).

    For reading alone, never a source of status. `history` is null where Temporal no longer knew it.
    """

    __tablename__ = "operation_run_histories"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("operation_runs.id"), primary_key=True)
    workspace_id: Mapped[UUID]
    history: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    stored_at: Mapped[datetime]
