from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, TextClause, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Json, one_of, within_environment
from models.catalog import OperationType
from models.lifecycle import Outcome, Standing, Status
from models.run_context import (
    CANCELLATION,
    CANCELLATION_DELIVERED_AT,
    DISPATCHED_AT,
    LOOK_CLAIMED_UNTIL,
    RELATED_ID,
    RELATED_TYPE,
    RunContext,
)

_ACTIVE = "status IN ('queued', 'running')"


def _text_at(path: Sequence[str]) -> str:
    return f"context #>> '{{{','.join(path)}}}'"


# Queued, and Temporal is not known to have accepted it.
UNDISPATCHED = f"status = 'queued' AND ({_text_at(DISPATCHED_AT)}) IS NULL"

# Cancellation requested, and Temporal is not known to have accepted that.
UNDELIVERED = (
    f"{_ACTIVE} AND (context #> '{{{','.join(CANCELLATION)}}}') IS NOT NULL"
    f" AND ({_text_at(CANCELLATION_DELIVERED_AT)}) IS NULL"
)

# The repository of the run is to be looked at, now or later.
LOOK_PLANNED = f"({_text_at(LOOK_CLAIMED_UNTIL)}) IS NOT NULL"

# The run that a refused duplicate was merged into. PostgreSQL uses the index only for these very words.
RELATED_RUN = _text_at(RELATED_ID)
HAS_RELATED_RUN = f"{_text_at(RELATED_TYPE)} = 'operation_run'"

_STANDING = ("type", "status", "outcome")


def _newest() -> tuple[TextClause, TextClause]:
    return text("created_at DESC"), text("id DESC")


# The attributes that OperationRunService alone writes (law L2); the flush guard and the trigger hold to it.
LIFECYCLE_COLUMNS = frozenset(
    {
        "status",
        "outcome",
        "context_json",
        "summary_counts",
        "failures",
        "started_at",
        "completed_at",
        "updated_at",
    }
)


class OperationRun(Base):
    """The one canonical record of an operation: its row in the ledger (law L1).

    `context_json` is the column `context` as stored; readers use `context`, the same as a typed value.
    """

    __tablename__ = "operation_runs"

    id: Mapped[Id]
    workspace_id: Mapped[UUID]
    environment_id: Mapped[UUID]
    type: Mapped[str]
    status: Mapped[str]
    outcome: Mapped[str]
    identity: Mapped[str]
    initiator_kind: Mapped[str]
    initiator_name: Mapped[str]
    context_json: Mapped[Json] = mapped_column("context")
    summary_counts: Mapped[Json]
    failures: Mapped[list[Json]]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]

    __table_args__ = (
        within_environment(),
        UniqueConstraint("workspace_id", "id"),
        CheckConstraint(one_of("type", OperationType), name="type"),
        CheckConstraint(one_of("status", Status), name="status"),
        CheckConstraint(one_of("outcome", Outcome), name="outcome"),
        CheckConstraint("(status = 'completed') = (outcome <> 'pending')", name="outcome_when_completed"),
        CheckConstraint("(status = 'completed') = (completed_at IS NOT NULL)", name="completed_at"),
        CheckConstraint("status <> 'queued' OR started_at IS NULL", name="queued_not_started"),
        CheckConstraint("status <> 'running' OR started_at IS NOT NULL", name="running_started"),
        CheckConstraint("initiator_kind IN ('user', 'token', 'workflow', 'system')", name="initiator_kind"),
        # Law L7: one active run per identity, and one active restore per environment.
        Index(
            "uq_operation_runs_active_identity",
            "workspace_id",
            "type",
            "identity",
            unique=True,
            postgresql_where=text(_ACTIVE),
        ),
        Index(
            "uq_operation_runs_active_restore",
            "workspace_id",
            "environment_id",
            unique=True,
            postgresql_where=text(f"{_ACTIVE} AND type = 'restore.execute'"),
        ),
        # For the sweep: each holds only what is open or abnormal, so that its cost follows that.
        Index("ix_operation_runs_active", "id", postgresql_where=text(_ACTIVE)),
        Index("ix_operation_runs_undispatched", "created_at", postgresql_where=text(UNDISPATCHED)),
        Index("ix_operation_runs_undelivered", "id", postgresql_where=text(UNDELIVERED)),
        Index("ix_operation_runs_look_planned", "id", postgresql_where=text(LOOK_PLANNED)),
        Index("ix_operation_runs_completed", "completed_at", postgresql_where=text("status = 'completed'")),
        # For pruning: whether a run that stays names one that is old enough to go.
        Index(
            "ix_operation_runs_related_run",
            text(f"({RELATED_RUN})"),
            postgresql_where=text(HAS_RELATED_RUN),
        ),
        # For the list, newest first, by keyset (created_at, id): one index per combination of filters.
        Index("ix_operation_runs_list", "workspace_id", *_newest()),
        Index("ix_operation_runs_standing", "workspace_id", *_STANDING, *_newest()),
        Index("ix_operation_runs_environment", "workspace_id", "environment_id", *_newest()),
        Index(
            "ix_operation_runs_environment_standing",
            "workspace_id",
            "environment_id",
            *_STANDING,
            *_newest(),
        ),
        Index("ix_operation_runs_initiator", "workspace_id", "initiator_name", *_newest()),
        Index(
            "ix_operation_runs_initiator_standing",
            "workspace_id",
            "initiator_name",
            *_STANDING,
            *_newest(),
        ),
        Index(
            "ix_operation_runs_environment_initiator",
            "workspace_id",
            "environment_id",
            "initiator_name",
            *_STANDING,
            *_newest(),
        ),
    )

    @property
    def context(self) -> RunContext:
        """What the run keeps beside its columns; every writer changes `context_json` key by key."""
        # A page reads it dozens of times; a reload of the row brings another dict.
        if self.__dict__.get("_parsed") is not self.context_json:
            self._parsed, self._context = self.context_json, RunContext.model_validate(self.context_json)
        return self._context

    @property
    def standing(self) -> Standing:
        """The status and outcome."""
        return Standing(status=Status(self.status), outcome=Outcome(self.outcome))


class OperationRunTransition(Base):
    """One transition of a run. Append-only, for the time line and audit; no code decides from it."""

    __tablename__ = "operation_run_transitions"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    workspace_id: Mapped[UUID]
    run_id: Mapped[UUID] = mapped_column(ForeignKey("operation_runs.id"), index=True)
    from_status: Mapped[str | None]
    from_outcome: Mapped[str | None]
    to_status: Mapped[str]
    to_outcome: Mapped[str]
    reason_code: Mapped[str]
    actor_kind: Mapped[str]
    actor_name: Mapped[str]
    at: Mapped[datetime]


class OperationRequest(Base):
    """One accepted request for an operation; a duplicate names the run that it was merged into."""

    __tablename__ = "operation_requests"

    id: Mapped[Id]
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    idempotency_key: Mapped[str | None]
    body: Mapped[Json]
    run_id: Mapped[UUID] = mapped_column(ForeignKey("operation_runs.id"), index=True)
    actor_kind: Mapped[str]
    actor_name: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (
        Index(
            "uq_operation_requests_key",
            "workspace_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
    )


class OperationRunHistory(Base):
    """The compact history of a run's workflow, stored once the workflow has closed.

    Never a source of status. `history` is null where Temporal no longer had it.
    """

    __tablename__ = "operation_run_histories"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("operation_runs.id"), primary_key=True)
    workspace_id: Mapped[UUID]
    history: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    stored_at: Mapped[datetime]
