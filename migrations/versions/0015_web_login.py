"""What the web server's own login needs, and what the web's role never may.

Expand: the release before logs in as the owner of the tables and assumes the same two roles, for which all
that it does stays allowed.
"""

from alembic import op

from migrations.row_security import SIGN_IN, WEB, safe_search_path

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Rows that are never changed, and rows that the web never deletes; triggers refuse it of other roles too.
NEVER_UPDATED = (
    "operation_requests",
    "operation_run_transitions",
    "operation_run_histories",
    "restore_plans",
    "restore_results",
    "environment_review_changes",
)
NEVER_DELETED = (
    "restore_plans",
    "restore_results",
    "restore_points",
    "environment_reviews",
    "environment_review_changes",
    "environments",
    "api_tokens",
    "workspaces",
)

# With its owner's rights, and so of every workspace: the figures of the ledger as a whole, and nothing that
# tells one workspace from another. PostgreSQL puts it into the query, where it finds the partial indexes.
FIGURES = """
CREATE VIEW run_figures AS SELECT type, status, outcome, created_at, started_at, completed_at,
    context #>> '{reconciliation,source}' AS source,
    status = 'queued' AND (context #>> '{dispatch,dispatched_at}') IS NULL AS is_undispatched,
    status IN ('queued', 'running') AND (context #> '{cancellation}') IS NOT NULL
        AND (context #>> '{cancellation,delivered_at}') IS NULL AS is_undelivered
FROM operation_runs;
"""

# The reviews of a run or its fingerprint, and all that superseded them, wherever they are: a check has to know
# of a match in another workspace, which the web's role does not see. Of a run that it does not see, none.
REVIEWS_OF_RUN = """
CREATE FUNCTION reviews_of_run(run uuid, print text) RETURNS TABLE (id uuid, run_id uuid, workspace_id uuid,
    environment_id uuid, fingerprint text, status text, superseded_by_id uuid, superseded_at timestamptz,
    archived_at timestamptz, composed_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = {path} AS $$
#variable_conflict use_column
BEGIN
    IF current_setting('role') = 'operationrun_web' THEN
        IF NOT EXISTS (SELECT FROM operation_runs r WHERE r.id = run
            AND r.workspace_id = ANY (current_setting('operationrun.workspaces')::uuid[])) THEN
            RETURN;
        END IF;
    END IF;
    RETURN QUERY
        WITH RECURSIVE chain AS (
            SELECT r.id, r.superseded_by_id FROM environment_reviews r
            WHERE r.run_id = run OR r.fingerprint = print
            -- Without ALL it ends on a chain that loops.
            UNION SELECT r.id, r.superseded_by_id FROM environment_reviews r
            JOIN chain ON r.id = chain.superseded_by_id)
        SELECT r.id, r.run_id, r.workspace_id, r.environment_id, r.fingerprint, r.status, r.superseded_by_id,
            r.superseded_at, r.archived_at, r.composed_at
        FROM environment_reviews r WHERE r.id IN (SELECT chain.id FROM chain);
END
$$;
REVOKE EXECUTE ON FUNCTION reviews_of_run FROM PUBLIC;
"""


def upgrade() -> None:
    op.execute(FIGURES)
    op.execute(f"GRANT SELECT ON run_figures TO {WEB}")
    op.execute(f"GRANT SELECT ON alembic_version TO {SIGN_IN}")
    op.execute(REVIEWS_OF_RUN.replace("{path}", safe_search_path()))
    op.execute(f"GRANT EXECUTE ON FUNCTION reviews_of_run TO {WEB}")
    for table in NEVER_UPDATED:
        op.execute(f"REVOKE UPDATE ON {table} FROM {WEB}")
    for table in NEVER_DELETED:
        op.execute(f"REVOKE DELETE ON {table} FROM {WEB}")
    op.execute(f"REVOKE INSERT ON workspaces FROM {WEB}")
    # A caller's temporary table would otherwise stand in for the reviews that it looks at.
    op.execute(f"ALTER FUNCTION environment_review_laws() SET search_path = {safe_search_path()}")


def downgrade() -> None:
    op.execute("ALTER FUNCTION environment_review_laws() SET search_path FROM CURRENT")
    op.execute(f"GRANT INSERT ON workspaces TO {WEB}")
    for table in NEVER_DELETED:
        op.execute(f"GRANT DELETE ON {table} TO {WEB}")
    for table in NEVER_UPDATED:
        op.execute(f"GRANT UPDATE ON {table} TO {WEB}")
    op.execute(f"REVOKE SELECT ON alembic_version FROM {SIGN_IN}")  # noqa: S608 # no query
    op.execute("DROP FUNCTION reviews_of_run")
    op.execute("DROP VIEW run_figures")
