"""Sessions on the server, tokens that expire, and sign-in links that end."""

import sqlalchemy as sa
from alembic import op

from migrations.row_security import SIGN_IN, open_to_sign_in

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "browser_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_browser_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_browser_sessions")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_browser_sessions_secret_hash")),
    )
    op.create_index(op.f("ix_browser_sessions_user_id"), "browser_sessions", ["user_id"], unique=False)
    open_to_sign_in("browser_sessions", "SELECT, INSERT, UPDATE (last_seen_at), DELETE")
    op.add_column("api_tokens", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(f"GRANT DELETE ON sign_in_links TO {SIGN_IN}")


def downgrade() -> None:
    op.execute(f"REVOKE DELETE ON sign_in_links FROM {SIGN_IN}")
    op.drop_column("api_tokens", "expires_at")
    op.drop_table("browser_sessions")
