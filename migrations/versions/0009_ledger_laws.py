"""What PostgreSQL refuses of a ledger that is written (law L2), and the shape of a reconciliation (law L5).

It narrows nothing that the release before does: that one writes exactly this shape, and only through its
service.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEPT = (
    "audit_entries",
    "environment_review_changes",
    "environment_reviews",
    "operation_requests",
    "operation_run_histories",
    "operation_run_transitions",
    "operation_runs",
    "restore_plans",
    "restore_results",
)
NEVER_UPDATED = ("operation_requests", "operation_run_histories")
NEVER_DELETED = ("environment_review_changes", "environment_reviews", "restore_results")

# Row triggers do not fire for TRUNCATE, so it would pass every other law.
NO_TRUNCATE = """
CREATE FUNCTION refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is never truncated', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_truncate';
END
$$;
"""

ONE_WRITER = """
CREATE FUNCTION written_by_the_service() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('operationrun.writer', true), '') <> 'OperationRunService' THEN
        RAISE EXCEPTION '% is written by OperationRunService alone (law L2)', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege', CONSTRAINT = TG_TABLE_NAME || '_one_writer';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER operation_run_transitions_one_writer BEFORE INSERT ON operation_run_transitions
    FOR EACH STATEMENT EXECUTE FUNCTION written_by_the_service();
"""

# Its trigger's name sorts after `operation_run_laws`: an illegal move is refused as such first.
RECONCILIATION = """
CREATE FUNCTION has_exactly(given jsonb, keys text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN jsonb_typeof(given) = 'object'
        THEN (given - keys) = '{}' AND given ?& keys ELSE false END
$$;

CREATE FUNCTION is_reconciliation(given jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT has_exactly(given, '{adapter,decision,reason_code,previous,related,source,evidence,reconciled_at}')
        AND has_exactly(given -> 'previous', '{status,outcome}')
        AND jsonb_typeof(given -> 'reason_code') = 'string'
        AND jsonb_typeof(given -> 'reconciled_at') = 'string'
        AND jsonb_typeof(given -> 'evidence') = 'object'
        AND given ->> 'source' IN ('workflow', 'sweep', 'operator')
        AND (given -> 'related' = 'null' OR has_exactly(given -> 'related', '{type,id}')
            AND given #>> '{related,type}' IN ('environment_review', 'restore_result', 'operation_run')
            AND given #>> '{related,id}' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
$$;

CREATE FUNCTION operation_run_reconciliation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    given jsonb := NEW.context -> 'reconciliation';
    kept jsonb;
    previous jsonb := '{"status": "queued", "outcome": "pending"}';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        kept := OLD.context -> 'reconciliation';
        IF given IS NOT DISTINCT FROM kept AND NEW.outcome = OLD.outcome THEN
            RETURN NEW;
        END IF;
        previous := coalesce(
            kept -> 'previous', jsonb_build_object('status', OLD.status, 'outcome', OLD.outcome));
    END IF;

    IF given IS NULL AND kept IS NULL AND NOT (TG_OP = 'INSERT' AND NEW.status = 'completed') THEN
        RETURN NEW;
    END IF;
    IF (is_reconciliation(given) AND given ->> 'adapter' = NEW.type AND NEW.status = 'completed'
        AND given ->> 'decision' = NEW.outcome AND given -> 'previous' = previous) IS NOT TRUE THEN
        RAISE EXCEPTION 'a reconciliation has exactly its keys, decides the outcome, keeps the first '
            '`previous`, and is never taken away (law L5)'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'operation_run_reconciliation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER operation_run_laws_of_reconciliation BEFORE INSERT OR UPDATE ON operation_runs
    FOR EACH ROW EXECUTE FUNCTION operation_run_reconciliation();
"""


def upgrade() -> None:
    op.execute(NO_TRUNCATE)
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate()"
        )
    for table in NEVER_UPDATED:
        op.execute(
            f"CREATE TRIGGER {table}_immutable BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    for table in NEVER_DELETED:
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    op.execute(ONE_WRITER)
    op.execute(RECONCILIATION)


def downgrade() -> None:
    op.execute("DROP TRIGGER operation_run_laws_of_reconciliation ON operation_runs")
    op.execute("DROP FUNCTION operation_run_reconciliation")
    op.execute("DROP FUNCTION is_reconciliation")
    op.execute("DROP FUNCTION has_exactly")
    op.execute("DROP TRIGGER operation_run_transitions_one_writer ON operation_run_transitions")
    op.execute("DROP FUNCTION written_by_the_service")
    for table in NEVER_DELETED:
        op.execute(f"DROP TRIGGER {table}_kept ON {table}")
    for table in NEVER_UPDATED:
        op.execute(f"DROP TRIGGER {table}_immutable ON {table}")
    for table in KEPT:
        op.execute(f"DROP TRIGGER {table}_truncate ON {table}")
    op.execute("DROP FUNCTION refuse_truncate")
