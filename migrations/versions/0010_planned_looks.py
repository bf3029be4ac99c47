"""Which runs' repositories are to be looked at later (law L11)."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_operation_runs_look_planned",
        "operation_runs",
        ["id"],
        postgresql_where=sa.text("(context #>> '{look_claimed_until}') IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_operation_runs_look_planned", "operation_runs")
