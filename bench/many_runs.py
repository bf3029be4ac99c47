"""Many runs in one database, made in SQL within its laws: born blocked, and most of them corrected."""

from typing import Final
from uuid import UUID

import psycopg
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

from models.base import Base
from models.operation_run import OperationRun

ENVIRONMENTS, PEOPLE, ACTIVE = 20, 40, 40
_BATCH: Final = 100_000

_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy has no types there
RUNS = Base.metadata.tables[OperationRun.__tablename__]

_PLACES: Final = f"""
INSERT INTO workspaces (id, slug, name, created_at)
SELECT gen_random_uuid(), 'workspace-' || n, 'Workspace ' || n, now() FROM generate_series(1, 3) AS n;
INSERT INTO environments (id, workspace_id, slug, name, repository_url, branch, path_prefix, created_at)
SELECT gen_random_uuid(), workspaces.id, 'environment-' || n, 'environment-' || n, '/none', 'main', '', now()
FROM workspaces, generate_series(1, {ENVIRONMENTS}) AS n;
CREATE TEMPORARY TABLE places AS
SELECT row_number() OVER (ORDER BY slug, workspace_id) - 1 AS place, id, workspace_id FROM environments;
INSERT INTO users (id, email, name, created_at) VALUES (gen_random_uuid(), 'o@example.org', 'o', now());
INSERT INTO members (workspace_id, user_id, role, created_at)
SELECT workspaces.id, users.id, 'operator', now() FROM workspaces, users;
"""  # noqa: S608 - numbers of this module

_TIMES: Final = "at + interval '1 s', at + (5 + n %% 40) * interval '1 s'"

_TYPE: Final = "CASE WHEN n %% 11 = 3 THEN 'restore.execute' ELSE 'environment.review.compose' END"
# A run is born completed only with its reconciliation (law L5).
_REFUSED: Final = f""" || jsonb_build_object('reconciliation', jsonb_build_object(
        'adapter', {_TYPE}, 'decision', 'blocked', 'reason_code', 'already_in_progress',
        'previous', jsonb_build_object('status', 'queued', 'outcome', 'pending'), 'related', NULL,
        'source', 'workflow', 'evidence', jsonb_build_object('cause', NULL), 'reconciled_at', at))"""

# One run every half minute, the newest of them last; kinds, people and places are spread evenly.
_BORN: Final = f"""
INSERT INTO operation_runs
    (id, workspace_id, environment_id, type, status, outcome, identity, initiator_kind, initiator_name,
     context, summary_counts, failures, created_at, started_at, completed_at, updated_at)
SELECT
    uuidv7(), places.workspace_id, places.id,
    {_TYPE},
    'completed', 'blocked', md5(n::text), 'user', 'person-' || n %% {PEOPLE} || '@example.org',
    jsonb_build_object(
        'input', jsonb_build_object('ref', NULL), 'fingerprint', md5(n::text),
        'dispatch', jsonb_build_object(
            'job_class', 'workflows.review_compose.EnvironmentReviewComposeWorkflow',
            'queue', 'operation-runs', 'connection', 'default', 'dispatched_at', at,
            'correlation_version', 1, 'operation_run_id', gen_random_uuid())){_REFUSED},
    '{{}}', '[]', at, {_TIMES}, at
FROM generate_series(%(first)s::int, %(last)s::int) AS n
CROSS JOIN LATERAL (SELECT timestamptz '2026-11-20' - (%(runs)s - n) * interval '30 s' AS at) AS moments
JOIN places ON places.place = (n / 7) %% {3 * ENVIRONMENTS}
"""  # noqa: S608 - numbers of this module

# Per thousand: 850 succeeded, 80 failed, 40 cancelled, 10 each attention required, partly succeeded, blocked.
_CORRECTED: Final = """
UPDATE operation_runs SET
    outcome = ending.outcome,
    context = context || jsonb_build_object('reconciliation', jsonb_build_object(
        'adapter', type, 'decision', ending.outcome, 'reason_code', 'review_not_composed',
        'previous', context #> '{reconciliation,previous}', 'related', NULL,
        'source', 'sweep', 'evidence', jsonb_build_object('cause', NULL), 'reconciled_at', completed_at))
FROM (SELECT id, abs(hashtext(identity)) % 1000 AS part FROM operation_runs) AS parts
CROSS JOIN LATERAL (SELECT CASE
    WHEN part < 850 THEN 'succeeded' WHEN part < 930 THEN 'failed' WHEN part < 970 THEN 'cancelled'
    WHEN part < 980 THEN 'attention_required' ELSE 'partially_succeeded' END AS outcome) AS ending
WHERE operation_runs.id = parts.id AND part < 990 AND status = 'completed'
"""

_STORIES: Final = """
INSERT INTO operation_requests (id, workspace_id, body, run_id, actor_kind, actor_name, at)
SELECT uuidv7(), workspace_id, '{}', id, 'user', initiator_name, created_at FROM operation_runs;
INSERT INTO environment_reviews
    (id, workspace_id, environment_id, run_id, status, fingerprint, commit, tree, composer_version, summary,
     sections, findings, composed_at)
SELECT uuidv7(), workspace_id, environment_id, id, 'draft', context ->> 'fingerprint', md5(identity),
    md5(identity), '1', '{}', '{}', '[]', completed_at
FROM operation_runs WHERE outcome = 'succeeded' AND hashtext(identity) % 10 = 0;
INSERT INTO operation_run_transitions
    (workspace_id, run_id, from_status, from_outcome, to_status, to_outcome, reason_code, actor_kind,
     actor_name, at)
SELECT workspace_id, operation_runs.id, step.from_status, step.from_outcome, step.to_status,
    CASE WHEN step.to_status = 'completed' THEN outcome ELSE 'pending' END, step.reason, 'workflow', 'w',
    created_at
FROM operation_runs CROSS JOIN (VALUES
    (1, NULL, NULL, 'queued', 'requested'), (2, 'queued', 'pending', 'running', 'started'),
    (3, 'running', 'pending', 'completed', 'review_not_composed')
) AS step (place, from_status, from_outcome, to_status, reason)
WHERE operation_runs.status = 'completed' OR step.place = 1
ORDER BY operation_runs.created_at, step.place
"""

_ACTIVE: Final = f"""
UPDATE operation_runs SET status = 'running', started_at = created_at WHERE id IN (
    SELECT id FROM operation_runs WHERE status = 'queued' ORDER BY id LIMIT {ACTIVE // 2})
"""  # noqa: S608 - numbers of this module


def fill(url: str, runs: int) -> UUID:
    """Fill a migrated, empty database with `runs` runs, ACTIVE of them active; return an operator's id.

    Drops the indexes of the list and creates them afterwards, which is faster than updating them per row.
    """
    indexes = [index for index in RUNS.indexes if not index.unique]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_PLACES)
        for index in indexes:
            connection.execute(f"DROP INDEX {index.name}")
        connection.execute("SELECT set_config('operationrun.writer', 'OperationRunService', false)")
        for first in range(1, runs - ACTIVE + 1, _BATCH):
            last = min(first + _BATCH - 1, runs - ACTIVE)
            connection.execute(_BORN, {"first": first, "last": last, "runs": runs})
        connection.execute(_CORRECTED)
        _begin(connection, runs)
        # Without foreign key checks: the rows are correct by construction, and a check of each takes minutes.
        connection.execute("SET session_replication_role = replica")
        connection.execute(_STORIES)
        for index in indexes:
            connection.execute(str(CreateIndex(index).compile(dialect=_DIALECT)))
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute("VACUUM ANALYZE")
        row = connection.execute("SELECT id FROM users").fetchone()
    assert row
    return UUID(str(row[0]))


def _begin(connection: psycopg.Connection[tuple[object, ...]], runs: int) -> None:
    """Add the active runs: half of them queued, half running."""
    queued = (
        _BORN.replace("'completed', 'blocked'", "'queued', 'pending'")
        .replace(_REFUSED, "")
        .replace("THEN 'restore.execute'", "THEN 'environment.review.compose'")
        .replace(_TIMES, "NULL, NULL")
    )
    connection.execute(queued, {"first": runs - ACTIVE + 1, "last": runs, "runs": runs})
    connection.execute(_ACTIVE)
