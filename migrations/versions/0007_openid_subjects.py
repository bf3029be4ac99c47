"""Whom an identity provider's subject is, once they have signed in by it."""

import sqlalchemy as sa
from alembic import op

from migrations.row_security import open_to_sign_in

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "openid_subjects",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_openid_subjects_user_id")),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_openid_subjects")),
    )
    op.create_index("uq_openid_subjects_user", "openid_subjects", ["user_id", "issuer"], unique=True)
    open_to_sign_in("openid_subjects", "SELECT, INSERT")


def downgrade() -> None:
    op.drop_table("openid_subjects")
