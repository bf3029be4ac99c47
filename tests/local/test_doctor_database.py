"""What `operationrun doctor` says of the web server's database login and of the audit."""

import pytest
from sqlalchemy import text

from models.access import AuditAction
from runtime.local.doctor import examine
from runtime.local.finding import Finding
from runtime.migrate import prepare_web_login
from runtime.settings import Settings
from services.access.audit import Audit
from services.database.session import Database
from tests.database.test_web_login import with_login
from tests.factories import ADA, make_workspace


def finding(settings: Settings, check: str) -> Finding:
    return next(each for each in examine(settings) if each.check == check)


def test_it_notes_that_web_and_worker_share_a_login(database_url: str) -> None:
    found = finding(Settings(database_url=database_url), "web's database login")
    assert found.state == "note"
    assert found.fix
    assert "OPERATIONRUN_WEB_DATABASE_URL" in found.fix


@pytest.mark.parametrize(
    ("web", "state"), [("prepared", "ok"), ("the owner's", "missing"), ("wrong", "missing")]
)
def test_it_says_whether_the_webs_login_can_become_more(database_url: str, web: str, state: str) -> None:
    prepare_web_login(database_url, with_login(database_url))
    urls = {
        "prepared": with_login(database_url),
        "the owner's": database_url,
        "wrong": with_login(database_url, password="wrong"),
    }
    settings = Settings(database_url=database_url, web_database_url=urls[web])
    assert finding(settings, "web's database login").state == state


def test_it_prints_the_audits_heads_and_what_is_wrong_with_a_chain(
    database_url: str, database: Database
) -> None:
    settings = Settings(database_url=database_url)
    assert finding(settings, "audit").found == "no entries"
    with database.transaction() as session:
        workspace = make_workspace(session, "own")
    for subject in ("a", "b"):
        with database.transaction() as session:
            audit = Audit(session=session, workspace_id=workspace.id, actor=ADA)
            audit.record(AuditAction.VIEW_SAVED, subject)
    found = finding(settings, "audit")
    assert (found.state, found.found[:6]) == ("ok", "own 2 ")
    with database.transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text("DELETE FROM audit_entries WHERE position = 2"))
    broken = finding(settings, "audit")
    assert (broken.state, broken.found.partition(": ")[2]) == (
        "missing",
        "The last 1 of 2 entries are missing.",
    )
