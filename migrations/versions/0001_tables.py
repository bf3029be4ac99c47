"""tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index("uq_users_email", "users", [sa.literal_column("lower(email)")], unique=True)
    op.create_table(
        "workspaces",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$'", name=op.f("ck_workspaces_slug")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspaces")),
        sa.UniqueConstraint("slug", name=op.f("uq_workspaces_slug")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('owner', 'operator', 'reviewer', 'reader', 'customer')", name=op.f("ck_api_tokens_role")
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_api_tokens_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    op.create_index(op.f("ix_api_tokens_workspace_id"), "api_tokens", ["workspace_id"], unique=False)
    op.create_table(
        "environments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("repository_url", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("path_prefix", sa.Text(), nullable=False),
        sa.Column("baseline_ref", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "slug ~ '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$'", name=op.f("ck_environments_slug")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_environments_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_environments")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_environments_workspace_id_id")),
        sa.UniqueConstraint("workspace_id", "slug", name=op.f("uq_environments_workspace_id_slug")),
    )
    op.create_table(
        "members",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('owner', 'operator', 'reviewer', 'reader', 'customer')", name=op.f("ck_members_role")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_members_user_id")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_members_workspace_id")),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", name=op.f("pk_members")),
    )
    op.create_index(op.f("ix_members_user_id"), "members", ["user_id"], unique=False)
    op.create_table(
        "sign_in_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sign_in_links_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_links")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_sign_in_links_secret_hash")),
    )
    op.create_index(op.f("ix_sign_in_links_user_id"), "sign_in_links", ["user_id"], unique=False)
    op.create_table(
        "operation_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("environment_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("initiator_kind", sa.Text(), nullable=False),
        sa.Column("initiator_name", sa.Text(), nullable=False),
        sa.Column("context", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("summary_counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("failures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status = 'completed') = (completed_at IS NOT NULL)", name=op.f("ck_operation_runs_completed_at")
        ),
        sa.CheckConstraint(
            "(status = 'completed') = (outcome <> 'pending')",
            name=op.f("ck_operation_runs_outcome_when_completed"),
        ),
        sa.CheckConstraint(
            "initiator_kind IN ('user', 'token', 'workflow', 'system')",
            name=op.f("ck_operation_runs_initiator_kind"),
        ),
        sa.CheckConstraint(
            "outcome IN ('pending', 'succeeded', 'partially_succeeded', 'blocked', 'attention_required', 'failed', 'cancelled')",
            name=op.f("ck_operation_runs_outcome"),
        ),
        sa.CheckConstraint(
            "status <> 'queued' OR started_at IS NULL", name=op.f("ck_operation_runs_queued_not_started")
        ),
        sa.CheckConstraint(
            "status <> 'running' OR started_at IS NOT NULL", name=op.f("ck_operation_runs_running_started")
        ),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'completed')", name=op.f("ck_operation_runs_status")
        ),
        sa.CheckConstraint(
            "type IN ('environment.review.compose', 'restore.execute')", name=op.f("ck_operation_runs_type")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "environment_id"],
            ["environments.workspace_id", "environments.id"],
            name=op.f("fk_operation_runs_workspace_id_environment_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation_runs")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_operation_runs_workspace_id_id")),
    )
    op.create_index(
        "ix_operation_runs_active",
        "operation_runs",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.create_index(
        "ix_operation_runs_completed",
        "operation_runs",
        ["completed_at"],
        unique=False,
        postgresql_where=sa.text("status = 'completed'"),
    )
    op.create_index(
        "ix_operation_runs_environment",
        "operation_runs",
        [
            "workspace_id",
            "environment_id",
            sa.literal_column("created_at DESC"),
            sa.literal_column("id DESC"),
        ],
        unique=False,
    )
    op.create_index(
        "ix_operation_runs_list",
        "operation_runs",
        ["workspace_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_operation_runs_undelivered",
        "operation_runs",
        ["id"],
        unique=False,
        postgresql_where=sa.text(
            "status IN ('queued', 'running') AND (context #> '{cancellation}') IS NOT NULL AND (context #>> '{cancellation,delivered_at}') IS NULL"
        ),
    )
    op.create_index(
        "ix_operation_runs_undispatched",
        "operation_runs",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("status = 'queued' AND (context #>> '{dispatch,dispatched_at}') IS NULL"),
    )
    op.create_index(
        "uq_operation_runs_active_identity",
        "operation_runs",
        ["workspace_id", "type", "identity"],
        unique=True,
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.create_index(
        "uq_operation_runs_active_restore",
        "operation_runs",
        ["workspace_id", "environment_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('queued', 'running') AND type = 'restore.execute'"),
    )
    op.create_table(
        "restore_points",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("environment_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("commit", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "environment_id"],
            ["environments.workspace_id", "environments.id"],
            name=op.f("fk_restore_points_workspace_id_environment_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restore_points")),
        sa.UniqueConstraint(
            "workspace_id",
            "environment_id",
            "label",
            name=op.f("uq_restore_points_workspace_id_environment_id_label"),
        ),
    )
    op.create_table(
        "environment_reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("environment_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("commit", sa.Text(), nullable=False),
        sa.Column("tree", sa.Text(), nullable=False),
        sa.Column("baseline_commit", sa.Text(), nullable=True),
        sa.Column("baseline_tree", sa.Text(), nullable=True),
        sa.Column("previous_review_id", sa.Uuid(), nullable=True),
        sa.Column("superseded_by_id", sa.Uuid(), nullable=True),
        sa.Column("composer_version", sa.Text(), nullable=False),
        sa.Column("summary", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sections", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("composed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'archived') = (archived_at IS NOT NULL)",
            name=op.f("ck_environment_reviews_archived_at"),
        ),
        sa.CheckConstraint(
            "(status = 'superseded') = (superseded_at IS NOT NULL)",
            name=op.f("ck_environment_reviews_superseded_at"),
        ),
        sa.CheckConstraint(
            "(status = 'superseded') = (superseded_by_id IS NOT NULL)",
            name=op.f("ck_environment_reviews_superseded_by"),
        ),
        sa.CheckConstraint(
            "status <> 'published' OR published_at IS NOT NULL",
            name=op.f("ck_environment_reviews_published_at"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'published', 'superseded', 'archived')",
            name=op.f("ck_environment_reviews_status"),
        ),
        sa.ForeignKeyConstraint(
            ["previous_review_id"],
            ["environment_reviews.id"],
            name=op.f("fk_environment_reviews_previous_review_id"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["operation_runs.id"], name=op.f("fk_environment_reviews_run_id")
        ),
        sa.ForeignKeyConstraint(
            ["superseded_by_id"],
            ["environment_reviews.id"],
            name=op.f("fk_environment_reviews_superseded_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "environment_id"],
            ["environments.workspace_id", "environments.id"],
            name=op.f("fk_environment_reviews_workspace_id_environment_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_environment_reviews")),
        sa.UniqueConstraint("run_id", name=op.f("uq_environment_reviews_run_id")),
        sa.UniqueConstraint("superseded_by_id", name=op.f("uq_environment_reviews_superseded_by_id")),
    )
    op.create_index(
        "ix_environment_reviews_list",
        "environment_reviews",
        ["workspace_id", "environment_id", sa.literal_column("composed_at DESC")],
        unique=False,
    )
    op.create_index(
        "uq_environment_reviews_live_fingerprint",
        "environment_reviews",
        ["workspace_id", "environment_id", "fingerprint"],
        unique=True,
        postgresql_where=sa.text("status IN ('draft', 'published')"),
    )
    op.create_index(
        "uq_environment_reviews_published",
        "environment_reviews",
        ["workspace_id", "environment_id"],
        unique=True,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_table(
        "operation_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["operation_runs.id"], name=op.f("fk_operation_requests_run_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_operation_requests_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation_requests")),
    )
    op.create_index(op.f("ix_operation_requests_run_id"), "operation_requests", ["run_id"], unique=False)
    op.create_index(
        "uq_operation_requests_key",
        "operation_requests",
        ["workspace_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "operation_run_histories",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("history", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["operation_runs.id"], name=op.f("fk_operation_run_histories_run_id")
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_operation_run_histories")),
    )
    op.create_table(
        "operation_run_transitions",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("from_outcome", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("to_outcome", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["operation_runs.id"], name=op.f("fk_operation_run_transitions_run_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation_run_transitions")),
    )
    op.create_index(
        op.f("ix_operation_run_transitions_run_id"), "operation_run_transitions", ["run_id"], unique=False
    )
    op.create_table(
        "restore_plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("environment_id", sa.Uuid(), nullable=False),
        sa.Column("restore_point_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("restore_commit", sa.Text(), nullable=False),
        sa.Column("live_commit", sa.Text(), nullable=False),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('overlay', 'exact')", name=op.f("ck_restore_plans_mode")),
        sa.ForeignKeyConstraint(
            ["restore_point_id"], ["restore_points.id"], name=op.f("fk_restore_plans_restore_point_id")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "environment_id"],
            ["environments.workspace_id", "environments.id"],
            name=op.f("fk_restore_plans_workspace_id_environment_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restore_plans")),
    )
    op.create_index(
        "ix_restore_plans_environment",
        "restore_plans",
        ["workspace_id", "environment_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "environment_review_changes",
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("previous_path", sa.Text(), nullable=True),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("commits", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["review_id"], ["environment_reviews.id"], name=op.f("fk_environment_review_changes_review_id")
        ),
        sa.PrimaryKeyConstraint("review_id", "position", name=op.f("pk_environment_review_changes")),
    )
    op.create_table(
        "restore_results",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("environment_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("restore_plan_id", sa.Uuid(), nullable=False),
        sa.Column("commit", sa.Text(), nullable=True),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("summary", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["restore_plan_id"], ["restore_plans.id"], name=op.f("fk_restore_results_restore_plan_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["operation_runs.id"], name=op.f("fk_restore_results_run_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "environment_id"],
            ["environments.workspace_id", "environments.id"],
            name=op.f("fk_restore_results_workspace_id_environment_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restore_results")),
        sa.UniqueConstraint("run_id", name=op.f("uq_restore_results_run_id")),
    )
    op.create_index(
        "ix_restore_results_environment",
        "restore_results",
        ["workspace_id", "environment_id", "created_at"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_restore_results_environment", table_name="restore_results")
    op.drop_table("restore_results")
    op.drop_table("environment_review_changes")
    op.drop_index("ix_restore_plans_environment", table_name="restore_plans")
    op.drop_table("restore_plans")
    op.drop_index(op.f("ix_operation_run_transitions_run_id"), table_name="operation_run_transitions")
    op.drop_table("operation_run_transitions")
    op.drop_table("operation_run_histories")
    op.drop_index(
        "uq_operation_requests_key",
        table_name="operation_requests",
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.drop_index(op.f("ix_operation_requests_run_id"), table_name="operation_requests")
    op.drop_table("operation_requests")
    op.drop_index(
        "uq_environment_reviews_published",
        table_name="environment_reviews",
        postgresql_where=sa.text("status = 'published'"),
    )
    op.drop_index(
        "uq_environment_reviews_live_fingerprint",
        table_name="environment_reviews",
        postgresql_where=sa.text("status IN ('draft', 'published')"),
    )
    op.drop_index("ix_environment_reviews_list", table_name="environment_reviews")
    op.drop_table("environment_reviews")
    op.drop_table("restore_points")
    op.drop_index(
        "uq_operation_runs_active_restore",
        table_name="operation_runs",
        postgresql_where=sa.text("status IN ('queued', 'running') AND type = 'restore.execute'"),
    )
    op.drop_index(
        "uq_operation_runs_active_identity",
        table_name="operation_runs",
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.drop_index(
        "ix_operation_runs_undispatched",
        table_name="operation_runs",
        postgresql_where=sa.text("status = 'queued' AND (context #>> '{dispatch,dispatched_at}') IS NULL"),
    )
    op.drop_index(
        "ix_operation_runs_undelivered",
        table_name="operation_runs",
        postgresql_where=sa.text(
            "status IN ('queued', 'running') AND (context #> '{cancellation}') IS NOT NULL AND (context #>> '{cancellation,delivered_at}') IS NULL"
        ),
    )
    op.drop_index("ix_operation_runs_list", table_name="operation_runs")
    op.drop_index("ix_operation_runs_environment", table_name="operation_runs")
    op.drop_index(
        "ix_operation_runs_completed",
        table_name="operation_runs",
        postgresql_where=sa.text("status = 'completed'"),
    )
    op.drop_index(
        "ix_operation_runs_active",
        table_name="operation_runs",
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.drop_table("operation_runs")
    op.drop_index(op.f("ix_sign_in_links_user_id"), table_name="sign_in_links")
    op.drop_table("sign_in_links")
    op.drop_index(op.f("ix_members_user_id"), table_name="members")
    op.drop_table("members")
    op.drop_table("environments")
    op.drop_index(op.f("ix_api_tokens_workspace_id"), table_name="api_tokens")
    op.drop_table("api_tokens")
    op.drop_table("workspaces")
    op.drop_index("uq_users_email", table_name="users")
    op.drop_table("users")
