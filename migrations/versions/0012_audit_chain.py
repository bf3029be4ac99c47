"""An audit whose rows are chained by hashes, one chain per workspace and one for the installation.

Expand: every row is chained by a trigger, so that those of the release before, which inserts them itself and
knows nothing of chains, take their place in order. Contract, once no process of that release runs: REVOKE
INSERT ON audit_entries from the web's role, and drop the policy `acts_of_the_release_before`.
"""

import sqlalchemy as sa
from alembic import op

from migrations.row_security import SIGN_IN, WEB, narrow_by, safe_search_path

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# What the release before can show; it fails on any other.
KNOWN_BEFORE = (
    "member_added",
    "member_role_changed",
    "member_removed",
    "token_created",
    "token_revoked",
    "review_published",
    "review_archived",
    "view_saved",
    "view_deleted",
)

# The hash is over the one before and the row as a JSON array (services/access/audit_chain.py verifies it).
CHAIN = """
CREATE FUNCTION audit_hash(previous text, entry audit_entries) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = {path} AS $$
    SELECT encode(sha256(convert_to(previous || json_build_array(
        entry.workspace_id::text, entry.position, entry.action, entry.subject, entry.subject_id::text,
        entry.detail, entry.actor_kind, entry.actor_name,
        to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        entry.request_id, entry.address)::text, 'UTF8')), 'hex')
$$;

CREATE FUNCTION chain_audit_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {path} AS $$
DECLARE
    of_chain CONSTANT uuid := coalesce(NEW.workspace_id, '00000000-0000-0000-0000-000000000000');
    before audit_chains;
BEGIN
    INSERT INTO audit_chains (chain, count, head) VALUES (of_chain, 0, '') ON CONFLICT DO NOTHING;
    SELECT * INTO before FROM audit_chains WHERE chain = of_chain FOR UPDATE;
    NEW.position := before.count + 1;
    NEW.hash := audit_hash(before.head, NEW);
    UPDATE audit_chains SET count = NEW.position, head = NEW.hash WHERE chain = of_chain;
    RETURN NEW;
END
$$;
"""

# Of several chains the locks are taken in one order, so that no two transactions wait for each other.
APPEND = """
CREATE FUNCTION append_audit_entries(entries jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {path} AS $$
BEGIN
    IF current_setting('role') = 'operationrun_web' THEN
        IF EXISTS (SELECT FROM jsonb_to_recordset(entries) AS entry(workspace_id uuid)
            WHERE workspace_id <> ALL (current_setting('operationrun.workspaces')::uuid[])) THEN
            RAISE EXCEPTION 'an audit entry belongs to a workspace of its transaction'
                USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'audit_entries_workspace';
        END IF;
    END IF;
    INSERT INTO audit_entries (workspace_id, action, subject, subject_id, detail, actor_kind, actor_name,
        at, request_id, address)
    SELECT entry.workspace_id, entry.action, entry.subject, entry.subject_id, entry.detail, entry.actor_kind,
        entry.actor_name, entry.at, entry.request_id, entry.address
    FROM jsonb_array_elements(entries) WITH ORDINALITY AS given(entry, place),
        jsonb_populate_record(NULL::audit_entries, given.entry) AS entry
    ORDER BY entry.workspace_id NULLS FIRST, given.place;
END
$$;
REVOKE EXECUTE ON FUNCTION append_audit_entries FROM PUBLIC;
"""

ADOPT = """
DO $$
DECLARE
    entry audit_entries;
    before audit_chains;
BEGIN
    FOR entry IN SELECT * FROM audit_entries ORDER BY workspace_id, id LOOP
        INSERT INTO audit_chains (chain, count, head) VALUES (entry.workspace_id, 0, '')
            ON CONFLICT DO NOTHING;
        SELECT * INTO before FROM audit_chains WHERE chain = entry.workspace_id;
        entry.position := before.count + 1;
        entry.hash := audit_hash(before.head, entry);
        UPDATE audit_entries SET position = entry.position, hash = entry.hash WHERE id = entry.id;
        UPDATE audit_chains SET count = entry.position, head = entry.hash WHERE chain = entry.workspace_id;
    END LOOP;
END
$$;
"""

CHAIN_LAWS = """
CREATE FUNCTION audit_chain_laws() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.chain <> OLD.chain OR NEW.count <> OLD.count + 1 THEN
        RAISE EXCEPTION 'a chain of the audit grows by one entry, and never shrinks'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_chain_grows';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER audit_chains_laws BEFORE UPDATE ON audit_chains
    FOR EACH ROW EXECUTE FUNCTION audit_chain_laws();
CREATE TRIGGER audit_chains_kept BEFORE DELETE ON audit_chains
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_chains_truncate BEFORE TRUNCATE ON audit_chains
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
"""


def upgrade() -> None:
    op.create_table(
        "audit_chains",
        sa.Column("chain", sa.Uuid(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_chains")),
    )
    op.alter_column("audit_entries", "workspace_id", nullable=True)
    for column in ("request_id", "address", "hash"):
        op.add_column("audit_entries", sa.Column(column, sa.Text(), nullable=True))
    op.add_column("audit_entries", sa.Column("position", sa.BigInteger(), nullable=True))
    op.execute(CHAIN.replace("{path}", safe_search_path()))
    _chain_what_is_there()
    op.execute(
        "CREATE TRIGGER audit_entries_chain BEFORE INSERT ON audit_entries "
        "FOR EACH ROW EXECUTE FUNCTION chain_audit_entry()"
    )
    op.execute(APPEND.replace("{path}", safe_search_path()))
    op.execute(f"GRANT EXECUTE ON FUNCTION append_audit_entries TO {WEB}, {SIGN_IN}")
    op.execute(CHAIN_LAWS)
    _open_to_the_web()


def _chain_what_is_there() -> None:
    # No process writes to the table meanwhile: the columns were added under the strongest lock.
    op.execute("ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_immutable")
    op.execute(ADOPT)
    op.execute("ALTER TABLE audit_entries ENABLE TRIGGER audit_entries_immutable")
    for column in ("position", "hash"):
        op.alter_column("audit_entries", column, nullable=False)
    op.create_index(
        "uq_audit_entries_chain",
        "audit_entries",
        ["workspace_id", "position"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def _open_to_the_web() -> None:
    narrow_by("audit_chains", "chain = ANY ((SELECT current_setting('operationrun.workspaces'))::uuid[])")
    op.execute(f"GRANT SELECT ON audit_chains TO {WEB}")
    op.execute(f"REVOKE UPDATE, DELETE ON audit_entries FROM {WEB}")
    names = ", ".join(f"'{action}'" for action in KNOWN_BEFORE)
    op.execute(
        f"CREATE POLICY acts_of_the_release_before ON audit_entries AS RESTRICTIVE FOR SELECT TO {WEB} "
        f"USING (action IN ({names}) OR current_setting('operationrun.acts', true) = 'all')"
    )


def downgrade() -> None:
    """Take the chains back. The release before has no place for entries of the installation and new acts."""
    op.execute("DROP POLICY acts_of_the_release_before ON audit_entries")
    op.execute(f"GRANT UPDATE, DELETE ON audit_entries TO {WEB}")
    op.execute("DROP FUNCTION append_audit_entries")
    op.execute("DROP TRIGGER audit_entries_chain ON audit_entries")
    op.execute("DROP FUNCTION chain_audit_entry")
    op.execute("DROP FUNCTION audit_hash")
    op.drop_table("audit_chains")
    op.execute("DROP FUNCTION audit_chain_laws")
    op.execute("ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_immutable")
    names = ", ".join(f"'{action}'" for action in KNOWN_BEFORE)
    op.execute(f"DELETE FROM audit_entries WHERE workspace_id IS NULL OR action NOT IN ({names})")  # noqa: S608 # ours
    op.execute("ALTER TABLE audit_entries ENABLE TRIGGER audit_entries_immutable")
    op.drop_index("uq_audit_entries_chain", table_name="audit_entries")
    for column in ("position", "hash", "address", "request_id"):
        op.drop_column("audit_entries", column)
    op.alter_column("audit_entries", "workspace_id", nullable=False)
