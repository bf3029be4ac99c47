"""What version 1 wrote into the audit, once it is migrated: chained in the order in which it was written."""

from sqlalchemy import text

from runtime.migrate import downgrade, upgrade
from services.database.session import Database
from tests.audit import verify_chains
from tests.factories import make_workspace

WRITTEN = text(
    "INSERT INTO audit_entries (workspace_id, action, subject, detail, actor_kind, actor_name, at) "
    "VALUES (:id, 'token_created', :subject, '', 'user', 'ada', now())"
)


def test_entries_of_the_release_before_are_chained_as_they_were_written(
    database: Database, database_url: str
) -> None:
    with database.transaction() as session:
        workspaces = [make_workspace(session, slug).id for slug in ("one", "two")]
    downgrade(database_url, "0010")
    with database.transaction() as session:
        for subject in ("a", "b", "c"):
            for workspace_id in workspaces:
                session.execute(WRITTEN, {"id": workspace_id, "subject": subject})
    upgrade(database_url)

    checks = verify_chains(database)

    assert [(check.workspace, check.count, check.problem) for check in checks] == [
        ("one", 3, None),
        ("two", 3, None),
    ]
    with database.transaction() as session:
        rows = session.execute(text("SELECT subject FROM audit_entries ORDER BY workspace_id, position"))
        assert rows.scalars().all() == ["a", "b", "c"] * 2
