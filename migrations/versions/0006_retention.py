"""What pruning looks by, and the laws of deleting: only what has ended, and never by the web."""

import sqlalchemy as sa
from alembic import op

from migrations.row_security import WEB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

THEIRS = ("operation_requests", "operation_run_transitions", "operation_run_histories")

# After `operation_run_laws`, by its name: that asks every writer to be the one, this what even that may not.
DELETION_LAWS = """
CREATE FUNCTION operation_run_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'completed' THEN
        RAISE EXCEPTION 'a run that is % is not deleted', OLD.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'operation_run_deletion';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER operation_run_laws_of_deletion BEFORE DELETE ON operation_runs
    FOR EACH ROW EXECUTE FUNCTION operation_run_deletion();

CREATE FUNCTION kept_with_its_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('operationrun.writer', true), '') <> 'OperationRunService' THEN
        RAISE EXCEPTION '% rows go with their run, by OperationRunService alone', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege', CONSTRAINT = TG_TABLE_NAME || '_kept_with_run';
    END IF;
    RETURN NULL;
END
$$;
"""


def upgrade() -> None:
    op.create_index(
        "ix_operation_runs_related_run",
        "operation_runs",
        [sa.literal_column("(context #>> '{reconciliation,related,id}')")],
        unique=False,
        postgresql_where=sa.text("context #>> '{reconciliation,related,type}' = 'operation_run'"),
    )
    op.create_index(
        "ix_environment_reviews_last_restore",
        "environment_reviews",
        [sa.literal_column("(sections #>> '{restore,last_restore,run_id}')")],
        unique=False,
    )
    op.execute(DELETION_LAWS)
    for table in THEIRS:
        op.execute(
            f"CREATE TRIGGER {table}_kept_with_run BEFORE DELETE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION kept_with_its_run()"
        )
    for table in ("operation_runs", *THEIRS):
        op.execute(f"REVOKE DELETE ON {table} FROM {WEB}")


def downgrade() -> None:
    for table in ("operation_runs", *THEIRS):
        op.execute(f"GRANT DELETE ON {table} TO {WEB}")
    for table in THEIRS:
        op.execute(f"DROP TRIGGER {table}_kept_with_run ON {table}")
    op.execute("DROP FUNCTION kept_with_its_run")
    op.execute("DROP TRIGGER operation_run_laws_of_deletion ON operation_runs")
    op.execute("DROP FUNCTION operation_run_deletion")
    op.drop_index("ix_environment_reviews_last_restore", table_name="environment_reviews")
    op.drop_index("ix_operation_runs_related_run", table_name="operation_runs")
