"""Connections: with which credentials a workspace reaches its repositories, and no others (law L12)."""

import sqlalchemy as sa
from alembic import op

from migrations.row_security import WEB, narrow, safe_search_path, widen

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

# What an environment reached before by the worker's own files and credentials, one connection per URL. The
# user of an https URL, which may be a token, is left out.
AS_BEFORE = """
CREATE FUNCTION connection_as_before(workspace uuid, url text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    prefix text := regexp_replace(url, '^(https://)[^/]*@', '\\1', 'i');
    kind_before text := CASE WHEN prefix ~ '^(/|file://)' THEN 'file' ELSE 'machine' END;
    found uuid;
BEGIN
    SELECT id INTO found FROM connections
        WHERE workspace_id = workspace AND kind = kind_before AND url_prefix = prefix LIMIT 1;
    IF found IS NULL THEN
        found := gen_random_uuid();
        INSERT INTO connections (id, workspace_id, name, kind, url_prefix, created_by, created_at) VALUES (
            found, workspace, kind_before || ' ' || left(found::text, 8) || ' (from version 1)',
            kind_before, prefix, 'operationrun', now());
    END IF;
    RETURN found;
END
$$;
REVOKE EXECUTE ON FUNCTION connection_as_before FROM PUBLIC;
UPDATE environments SET connection_id = connection_as_before(workspace_id, repository_url);
"""
# For what the release before registers while both are at work; goes with the next release.
BY_THE_RELEASE_BEFORE = """
CREATE FUNCTION connect_as_before() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = {path} AS $$
BEGIN
    NEW.connection_id := connection_as_before(NEW.workspace_id, NEW.repository_url);
    RETURN NEW;
END
$$;
CREATE TRIGGER environments_connect_as_before BEFORE INSERT ON environments
    FOR EACH ROW WHEN (NEW.connection_id IS NULL) EXECUTE FUNCTION connect_as_before();
"""


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
    op.add_column("environments", sa.Column("connection_id", sa.Uuid(), nullable=True))
    op.execute(AS_BEFORE)
    op.create_foreign_key(
        op.f("fk_environments_workspace_id_connection_id"),
        "environments",
        "connections",
        ["workspace_id", "connection_id"],
        ["workspace_id", "id"],
    )
    op.execute(BY_THE_RELEASE_BEFORE.replace("{path}", safe_search_path()))


def downgrade() -> None:
    op.execute("DROP TRIGGER environments_connect_as_before ON environments")
    op.execute("DROP FUNCTION connect_as_before")
    op.execute("DROP FUNCTION connection_as_before")
    op.drop_constraint(op.f("fk_environments_workspace_id_connection_id"), "environments", type_="foreignkey")
    op.drop_column("environments", "connection_id")
    op.execute("DROP POLICY operators_made ON connections")
    op.execute("DROP POLICY operators_kept ON connections")
    widen("connections")
    op.drop_table("connections")
    op.execute("DROP FUNCTION connection_stays")
