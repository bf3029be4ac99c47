"""Passwords, tokens that tell when they were used, an audit, and row-level security."""

import sqlalchemy as sa
from alembic import op

from migrations.row_security import (
    SIGN_IN,
    WEB,
    ensure_roles,
    narrow,
    narrow_by,
    open_to_sign_in,
    widen,
)

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OF_A_WORKSPACE = (
    "environments",
    "operation_runs",
    "operation_requests",
    "operation_run_transitions",
    "operation_run_histories",
    "restore_points",
    "restore_plans",
    "restore_results",
    "environment_reviews",
    "environment_review_changes",
    "members",
    "api_tokens",
    "audit_entries",
)
# What a member of a workspace may know of people: who the others there are.
OF_SOMEBODY_THERE = "EXISTS (SELECT FROM members WHERE members.user_id = users.id)"

AUDIT_LAWS = """
CREATE TRIGGER audit_entries_immutable BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    ensure_roles(op.get_bind())
    _add_tables()
    op.execute(AUDIT_LAWS)
    # It looks at another review, and what it does not see it could not refuse.
    op.execute("ALTER FUNCTION environment_review_laws() SECURITY DEFINER SET search_path FROM CURRENT")
    for table in OF_A_WORKSPACE:
        narrow(table)
    narrow("workspaces", column="id")
    narrow_by("users", OF_SOMEBODY_THERE)
    op.execute(f"GRANT SELECT ON users TO {WEB}")
    _open_sign_in()


def _add_tables() -> None:
    op.add_column("users", sa.Column("session_version", sa.Integer(), server_default="0", nullable=False))
    # How a token begins was not kept before; its mark is all that is known of it.
    op.add_column("api_tokens", sa.Column("prefix", sa.Text(), server_default="opr_", nullable=False))
    op.alter_column("api_tokens", "prefix", server_default=None)
    op.add_column("api_tokens", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "passwords",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_passwords_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_passwords")),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_attempts")),
    )
    op.create_index(op.f("ix_sign_in_attempts_since"), "sign_in_attempts", ["since"], unique=False)
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_audit_entries_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_workspace_id_id", "audit_entries", ["workspace_id", "id"], unique=False)


def _open_sign_in() -> None:
    """Open what it takes to find out who asks: people, their roles and their keys."""
    open_to_sign_in("users", "SELECT, INSERT, UPDATE (session_version)")
    open_to_sign_in("members", "SELECT")
    open_to_sign_in("api_tokens", "SELECT, UPDATE (last_used_at)")
    open_to_sign_in("sign_in_links", "SELECT, UPDATE (used_at)")
    open_to_sign_in("passwords", "SELECT, INSERT, UPDATE")
    open_to_sign_in("sign_in_attempts", "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    """Take it back, but for the roles: they belong to the server, and other databases may use them."""
    for table in (*OF_A_WORKSPACE, "workspaces", "users", "sign_in_links"):
        widen(table)
    schema = op.get_bind().scalar(sa.text("SELECT quote_ident(current_schema())"))
    op.execute(f"REVOKE USAGE ON SCHEMA {schema} FROM {WEB}, {SIGN_IN}")
    op.execute("ALTER FUNCTION environment_review_laws() SECURITY INVOKER RESET search_path")
    op.drop_table("audit_entries")
    op.drop_table("sign_in_attempts")
    op.drop_table("passwords")
    op.drop_column("api_tokens", "last_used_at")
    op.drop_column("api_tokens", "prefix")
    op.drop_column("users", "session_version")
