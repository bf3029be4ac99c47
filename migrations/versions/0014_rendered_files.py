"""Reports and packs are rendered once and kept."""

import sqlalchemy as sa
from alembic import op

from migrations import row_security

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = ("rendered_files", "rendered_pieces")


def upgrade() -> None:
    op.create_table(
        "rendered_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(sha256 IS NULL) = (size IS NULL) AND (sha256 IS NULL) = (claimed_until IS NOT NULL)",
            name=op.f("ck_rendered_files_kept"),
        ),
        sa.CheckConstraint("problem IS NULL OR sha256 IS NULL", name=op.f("ck_rendered_files_problem")),
        sa.ForeignKeyConstraint(
            ["review_id"],
            ["environment_reviews.id"],
            name=op.f("fk_rendered_files_review_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rendered_files")),
        sa.UniqueConstraint("review_id", "name", name=op.f("uq_rendered_files_review_id_name")),
    )
    op.create_table(
        "rendered_pieces",
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["rendered_files.id"], name=op.f("fk_rendered_pieces_file_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("file_id", "position", name=op.f("pk_rendered_pieces")),
    )
    # What is rendered is compressed already, or read once.
    op.execute("ALTER TABLE rendered_pieces ALTER COLUMN content SET STORAGE EXTERNAL")
    for table in TABLES:
        row_security.narrow(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        row_security.widen(table)
        op.drop_table(table)
