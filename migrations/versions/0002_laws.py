"""The laws that PostgreSQL holds by itself, whoever writes."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

RUN_LAWS = """
CREATE FUNCTION operation_run_laws() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    corrected boolean;
BEGIN
    IF coalesce(current_setting('operationrun.writer', true), '') <> 'OperationRunService' THEN
        RAISE EXCEPTION 'operation_runs is written by OperationRunService alone (law L2)'
            USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'operation_run_one_writer';
    END IF;

    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;

    IF TG_OP = 'INSERT' THEN
        IF (NEW.status, NEW.outcome) NOT IN (('queued', 'pending'), ('completed', 'blocked')) THEN
            RAISE EXCEPTION 'a run is born queued, or completed as blocked, not %/%', NEW.status, NEW.outcome
                USING ERRCODE = 'check_violation', CONSTRAINT = 'operation_run_birth';
        END IF;
        RETURN NEW;
    END IF;

    IF (NEW.id, NEW.workspace_id, NEW.environment_id, NEW.type, NEW.identity, NEW.initiator_kind,
        NEW.initiator_name, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.workspace_id, OLD.environment_id, OLD.type, OLD.identity, OLD.initiator_kind,
        OLD.initiator_name, OLD.created_at) THEN
        RAISE EXCEPTION 'what a run is does not change; only how it stands does'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'operation_run_identity';
    END IF;

    IF NEW.status = OLD.status THEN
        corrected := NEW.outcome IS DISTINCT FROM OLD.outcome;
        IF corrected AND (
            OLD.status <> 'completed'
            OR OLD.outcome = 'succeeded'
            OR NEW.context -> 'reconciliation' IS NOT DISTINCT FROM OLD.context -> 'reconciliation'
            OR NEW.context -> 'reconciliation' ->> 'decision' IS DISTINCT FROM NEW.outcome
        ) THEN
            RAISE EXCEPTION 'a completed run is corrected by reconciliation alone, and never away from success'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'operation_run_correction';
        END IF;
        IF (NEW.started_at, NEW.completed_at) IS DISTINCT FROM (OLD.started_at, OLD.completed_at) THEN
            RAISE EXCEPTION 'a run that stays % keeps its times', OLD.status
                USING ERRCODE = 'check_violation', CONSTRAINT = 'operation_run_times';
        END IF;
        RETURN NEW;
    END IF;

    IF (OLD.status, NEW.status) NOT IN
       (('queued', 'running'), ('queued', 'completed'), ('running', 'completed')) THEN
        RAISE EXCEPTION 'a run does not go from % to %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'operation_run_move';
    END IF;
    IF OLD.status = 'running' AND NEW.started_at IS DISTINCT FROM OLD.started_at THEN
        RAISE EXCEPTION 'a run starts once'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'operation_run_times';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER operation_run_laws BEFORE INSERT OR UPDATE OR DELETE ON operation_runs
    FOR EACH ROW EXECUTE FUNCTION operation_run_laws();
"""

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are kept as they were written', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_immutable';
END
$$;
"""

REVIEW_LAWS = """
CREATE FUNCTION environment_review_laws() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lineage CONSTANT text[] := '{status,superseded_by_id,published_at,superseded_at,archived_at}';
    successor environment_reviews;
BEGIN
    IF (to_jsonb(NEW) - lineage) IS DISTINCT FROM (to_jsonb(OLD) - lineage) THEN
        RAISE EXCEPTION 'a review is immutable; only its place in the lineage changes'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'environment_review_immutable';
    END IF;
    IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN
       (('draft', 'published'), ('draft', 'archived'), ('published', 'superseded')) THEN
        RAISE EXCEPTION 'a review does not go from % to %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'environment_review_move';
    END IF;
    IF NEW.superseded_by_id IS DISTINCT FROM OLD.superseded_by_id THEN
        SELECT * INTO successor FROM environment_reviews WHERE id = NEW.superseded_by_id;
        -- One that was superseded itself would close a loop sooner or later.
        IF OLD.superseded_by_id IS NOT NULL OR successor.id = NEW.id
           OR successor.environment_id <> NEW.environment_id OR successor.superseded_by_id IS NOT NULL THEN
            RAISE EXCEPTION 'a chain of reviews neither forks nor loops, and stays in its environment'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'environment_review_lineage';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER environment_review_laws BEFORE UPDATE ON environment_reviews
    FOR EACH ROW EXECUTE FUNCTION environment_review_laws();
"""

APPEND_ONLY = ("operation_run_transitions", "restore_plans", "restore_results", "environment_review_changes")


def upgrade() -> None:
    op.execute(RUN_LAWS)
    op.execute(REFUSE_CHANGE)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_immutable BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    op.execute(REVIEW_LAWS)


def downgrade() -> None:
    op.execute("DROP TRIGGER environment_review_laws ON environment_reviews")
    op.execute("DROP FUNCTION environment_review_laws")
    for table in reversed(APPEND_ONLY):
        op.execute(f"DROP TRIGGER {table}_immutable ON {table}")
    op.execute("DROP FUNCTION refuse_change")
    op.execute("DROP TRIGGER operation_run_laws ON operation_runs")
    op.execute("DROP FUNCTION operation_run_laws")
