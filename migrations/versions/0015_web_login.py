"""What the web server's own login needs, and what the web's role never may.

Expand: the release before logs in as the owner of the tables and assumes the same two roles, for which all
that it does stays allowed.
"""

from alembic import op

from migrations.row_security import SIGN_IN, WEB, safe_search_path

revision = "0015"
down_revision = "0012"
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


def upgrade() -> None:
    op.execute(FIGURES)
    op.execute(f"GRANT SELECT ON run_figures TO {WEB}")
    op.execute(f"GRANT SELECT ON alembic_version TO {SIGN_IN}")
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
    op.execute("DROP VIEW run_figures")
