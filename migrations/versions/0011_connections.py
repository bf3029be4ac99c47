"""Connections: with which credentials a workspace reaches its repositories, and no others (law L12)."""

import re
from collections import Counter

import sqlalchemy as sa
from alembic import op
from uuid_utils.compat import uuid7

from migrations.row_security import WEB, narrow, widen

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# What an owner may not change, whatever the services above forget to check.
LAWS = f"""
CREATE FUNCTION connection_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a connection keeps its workspace and kind, and one of the operator its prefix (law L12)'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'connections_stay';
END
$$;
CREATE TRIGGER connections_stay BEFORE UPDATE ON connections FOR EACH ROW WHEN (
    OLD.workspace_id <> NEW.workspace_id OR OLD.kind <> NEW.kind
    OR (OLD.kind IN ('file', 'machine') AND OLD.url_prefix <> NEW.url_prefix)
) EXECUTE FUNCTION connection_stays();
CREATE POLICY operators_made ON connections AS RESTRICTIVE FOR INSERT TO {WEB}
    WITH CHECK (kind IN ('https', 'ssh'));
CREATE POLICY operators_kept ON connections AS RESTRICTIVE FOR DELETE TO {WEB}
    USING (kind IN ('https', 'ssh'));
"""

WITHOUT_CONNECTION = (
    "SELECT id, workspace_id, repository_url, created_at FROM environments ORDER BY created_at, id"
)
CONNECT = "UPDATE environments SET connection_id = :connection WHERE id = :environment"

connections = sa.table(
    "connections",
    *(
        sa.column(name)
        for name in ("id", "workspace_id", "name", "kind", "url_prefix", "created_by", "created_at")
    ),
)


def upgrade() -> None:
    op.create_table(
        "connections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url_prefix", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("encrypted_secret", sa.Text(), nullable=True),
        sa.Column("known_hosts", sa.Text(), nullable=True),
        sa.Column("api_type", sa.Text(), nullable=True),
        sa.Column("api_url", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_by", sa.Text(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('https', 'ssh', 'file', 'machine')", name=op.f("ck_connections_kind")),
        sa.CheckConstraint(
            "(kind IN ('https', 'ssh')) = (encrypted_secret IS NOT NULL)", name=op.f("ck_connections_secret")
        ),
        sa.CheckConstraint(
            "kind <> 'ssh' OR known_hosts IS NOT NULL", name=op.f("ck_connections_known_hosts")
        ),
        sa.CheckConstraint("api_type IN ('github', 'gitlab')", name=op.f("ck_connections_api_type")),
        sa.CheckConstraint("(api_type IS NULL) = (api_url IS NULL)", name=op.f("ck_connections_api")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_connections_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint("workspace_id", "name", name=op.f("uq_connections_workspace_id_name")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_connections_workspace_id_id")),
    )
    narrow("connections")
    op.execute(LAWS)
    # Null for what the release before registers while both are at work.
    op.add_column("environments", sa.Column("connection_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_environments_workspace_id_connection_id"),
        "environments",
        "connections",
        ["workspace_id", "connection_id"],
        ["workspace_id", "id"],
    )
    _connect_environments()


def _connect_environments() -> None:
    """Give every environment a connection to its repository as it was reached before: one per URL."""
    bind = op.get_bind()
    made: dict[tuple[object, str], object] = {}
    numbers: Counter[object] = Counter()
    for environment in bind.execute(sa.text(WITHOUT_CONNECTION)).mappings().all():
        workspace, prefix = environment["workspace_id"], _prefix(environment["repository_url"])
        if (workspace, prefix) not in made:
            numbers[workspace] += 1
            kind = "file" if prefix.startswith(("/", "file://")) else "machine"
            values = {
                "id": uuid7(),
                "workspace_id": workspace,
                "name": f"{kind} {numbers[workspace]} (from version 1)",
                "kind": kind,
                "url_prefix": prefix,
                "created_by": "operationrun",
                "created_at": environment["created_at"],
            }
            bind.execute(sa.insert(connections).values(values))
            made[workspace, prefix] = values["id"]
        bind.execute(
            sa.text(CONNECT), {"connection": made[workspace, prefix], "environment": environment["id"]}
        )


def _prefix(url: str) -> str:
    """Return a URL without the user of an https one, which may be a token."""
    return re.sub(r"^(https://)[^/]*@", r"\1", url, flags=re.IGNORECASE)


def downgrade() -> None:
    op.drop_constraint(op.f("fk_environments_workspace_id_connection_id"), "environments", type_="foreignkey")
    op.drop_column("environments", "connection_id")
    op.execute("DROP POLICY operators_made ON connections")
    op.execute("DROP POLICY operators_kept ON connections")
    widen("connections")
    op.drop_table("connections")
    op.execute("DROP FUNCTION connection_stays")
