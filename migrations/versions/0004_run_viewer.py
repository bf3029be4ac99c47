"""What the run viewer reads by: an index for every filter of the list, and saved views."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.row_security import narrow, widen

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NEWEST: tuple[sa.ColumnElement[object], ...] = (
    sa.literal_column("created_at DESC"),
    sa.literal_column("id DESC"),
)
STANDING = ("type", "status", "outcome")
INDEXES: dict[str, tuple[str | sa.ColumnElement[object], ...]] = {
    "ix_operation_runs_standing": ("workspace_id", *STANDING, *NEWEST),
    "ix_operation_runs_environment_standing": ("workspace_id", "environment_id", *STANDING, *NEWEST),
    "ix_operation_runs_initiator": ("workspace_id", "initiator_name", *NEWEST),
    "ix_operation_runs_initiator_standing": ("workspace_id", "initiator_name", *STANDING, *NEWEST),
    "ix_operation_runs_environment_initiator": (
        "workspace_id",
        "environment_id",
        "initiator_name",
        *STANDING,
        *NEWEST,
    ),
}


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.create_index(name, "operation_runs", [*columns], unique=False)
    op.create_table(
        "saved_views",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("filters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_saved_views_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
    )
    op.create_index(
        "uq_saved_views_name", "saved_views", ["workspace_id", sa.literal_column("lower(name)")], unique=True
    )
    narrow("saved_views")


def downgrade() -> None:
    widen("saved_views")
    op.drop_index("uq_saved_views_name", table_name="saved_views")
    op.drop_table("saved_views")
    for name in reversed(INDEXES):
        op.drop_index(name, table_name="operation_runs")
