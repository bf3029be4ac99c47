"""The audit's chains: what they are made of, and what of them cannot be hidden."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.access import AuditAction
from services.access.audit import ORIGIN, Audit, Origin, newest_entries
from services.access.audit_chain import chain_head
from services.database.row_security import SIGNING_IN, within
from services.database.session import Database
from tests.audit import verify_chains
from tests.factories import ADA, make_workspace

SAVED = AuditAction.VIEW_SAVED


@pytest.fixture
def workspace(database: Database) -> UUID:
    with database.transaction() as session:
        return make_workspace(session, "own").id


@pytest.fixture
def other(database: Database) -> UUID:
    with database.transaction() as session:
        return make_workspace(session, "other").id


def record(database: Database, workspace_id: UUID | None, *subjects: str) -> None:
    for subject in subjects:
        with database.transaction() as session:
            Audit(session=session, workspace_id=workspace_id, actor=ADA).record(SAVED, subject)


def problems(database: Database) -> dict[str | None, str | None]:
    return {check.workspace: check.problem for check in verify_chains(database)}


def tamper(database: Database, *statements: str) -> None:
    """What the owner of the tables can do, once it has put the laws aside."""
    with database.transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            session.execute(text(statement))


def test_each_workspace_and_the_installation_have_a_chain_of_their_own(
    database: Database, workspace: UUID, other: UUID
) -> None:
    record(database, workspace, "a", "b")
    record(database, other, "c")
    record(database, None, "d")

    assert problems(database) == {None: None, "other": None, "own": None}
    with database.transaction() as session:
        assert chain_head(session, workspace) == (2, newest_entries(session, workspace)[0].hash)
        assert chain_head(session, other)[0] == 1


def test_a_workspace_without_entries_has_an_empty_head(database: Database, workspace: UUID) -> None:
    with database.transaction() as session:
        assert chain_head(session, workspace) == (0, "")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(subject=st.text(), detail=st.text())
def test_postgresql_and_the_verification_hash_any_text_alike(
    database: Database, workspace: UUID, subject: str, detail: str
) -> None:
    with database.transaction() as session:
        Audit(session=session, workspace_id=workspace, actor=ADA).record(
            SAVED, subject, subject_id=workspace, detail=detail
        )
    assert problems(database) == {"own": None}


TAMPERED: dict[str, tuple[str, str]] = {
    "an entry removed": ("DELETE FROM audit_entries WHERE position = 2", "Entry 2 is missing."),
    "the first removed": ("DELETE FROM audit_entries WHERE position = 1", "Entry 1 is missing."),
    "an actor changed": (
        "UPDATE audit_entries SET actor_name = 'x' WHERE position = 2",
        "Entry 2 was changed or inserted.",
    ),
    "a time changed": (
        "UPDATE audit_entries SET at = at + interval '1 us' WHERE position = 3",
        "Entry 3 was changed or inserted.",
    ),
    "an address added": (
        "UPDATE audit_entries SET address = '' WHERE position = 1",
        "Entry 1 was changed or inserted.",
    ),
    "two exchanged": (
        """UPDATE audit_entries SET position = 5 WHERE position = 4;
        UPDATE audit_entries SET position = 4 WHERE position = 3;
        UPDATE audit_entries SET position = 3 WHERE position = 5""",
        "Entry 3 was changed or inserted.",
    ),
    "the tail cut off": (
        "DELETE FROM audit_entries WHERE position > 2",
        "The last 2 of 4 entries are missing.",
    ),
    "all removed": ("DELETE FROM audit_entries", "The last 4 of 4 entries are missing."),
    "one added at the end": (
        """INSERT INTO audit_entries (workspace_id, action, subject, detail, actor_kind, actor_name, at,
        position, hash) SELECT workspace_id, action, 'forged', detail, actor_kind, actor_name, at, 5, hash
        FROM audit_entries WHERE position = 4""",
        "Entry 5 was changed or inserted.",
    ),
    "the head put back": (
        "UPDATE audit_chains SET count = 3, head = (SELECT hash FROM audit_entries WHERE position = 3)",
        "Entries were added behind entry 3, or the head of the chain was changed.",
    ),
}


@pytest.mark.parametrize(("statement", "problem"), TAMPERED.values(), ids=TAMPERED.keys())
def test_what_was_tampered_with_shows(
    database: Database, workspace: UUID, statement: str, problem: str
) -> None:
    record(database, workspace, "a", "b", "c", "d")
    assert problems(database) == {"own": None}
    tamper(database, statement)
    assert problems(database) == {"own": problem}


def test_a_chain_that_was_cut_with_its_head_shows_against_the_head_that_was_kept(
    database: Database, workspace: UUID
) -> None:
    record(database, workspace, "a", "b", "c")
    with database.transaction() as session:
        kept = chain_head(session, workspace)
    tamper(
        database,
        "DELETE FROM audit_entries WHERE position = 3",
        "UPDATE audit_chains SET count = 2, head = (SELECT hash FROM audit_entries WHERE position = 2)",
    )
    with database.transaction() as session:
        assert problems(database) == {"own": None}
        assert chain_head(session, workspace) != kept


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET detail = 'x'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
        "UPDATE audit_chains SET count = 0",
        "DELETE FROM audit_chains",
        "TRUNCATE audit_chains",
    ],
)
def test_the_laws_refuse_even_the_owner_of_the_tables(
    database: Database, workspace: UUID, statement: str
) -> None:
    record(database, workspace, "a", "b")
    with database.engine.connect() as connection, pytest.raises(DBAPIError, match="audit"):
        connection.execute(text(statement))


def test_entries_are_appended_as_the_last_statement_of_their_transaction(
    database: Database, workspace: UUID, statements: Callable[[], list[str]]
) -> None:
    with database.transaction() as session:
        Audit(session=session, workspace_id=workspace, actor=ADA).record(SAVED, "a")
        session.execute(text("SELECT 'an act'"))
    assert [each.split("(")[0] for each in statements()] == ["SELECT 'an act'", "SELECT append_audit_entries"]


def test_a_transaction_without_acts_appends_nothing(
    database: Database, statements: Callable[[], list[str]]
) -> None:
    with database.transaction() as session:
        session.execute(text("SELECT 'a look'"))
    assert statements() == ["SELECT 'a look'"]


def test_what_is_rolled_back_leaves_no_entry(database: Database, workspace: UUID) -> None:
    def fail(session: Session, *, within: bool) -> None:
        Audit(session=session, workspace_id=workspace, actor=ADA).record(SAVED, "lost")
        with session.begin_nested() if within else nullcontext():
            Audit(session=session, workspace_id=workspace, actor=ADA).record(SAVED, "lost too")
        session.execute(text("SELECT 1 / 0"))

    with pytest.raises(DBAPIError), database.transaction() as session:
        fail(session, within=False)
    with database.transaction() as session:
        audit = Audit(session=session, workspace_id=workspace, actor=ADA)
        audit.record(SAVED, "before")
        with session.begin_nested():
            audit.record(SAVED, "kept")
        with pytest.raises(DBAPIError), session.begin_nested():
            fail(session, within=True)
        audit.record(SAVED, "behind")
    with database.transaction() as session:
        subjects = [each.subject for each in newest_entries(session, workspace)]
    assert subjects == ["behind", "kept", "before"]
    assert problems(database) == {"own": None}


def test_many_at_once_over_both_chains_neither_fork_nor_deadlock(
    database: Database, workspace: UUID, other: UUID
) -> None:
    def act(number: int) -> None:
        chains = (workspace, other, None) if number % 2 else (None, other, workspace)
        with database.transaction() as session:
            for chain in chains:
                Audit(session=session, workspace_id=chain, actor=ADA).record(SAVED, str(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(40)))
    assert [(check.count, check.problem) for check in verify_chains(database)] == [(40, None)] * 3


def test_an_entry_names_the_request_and_its_address(database: Database, workspace: UUID) -> None:
    before = ORIGIN.set(Origin(request_id="r1", address="192.0.2.7"))
    record(database, workspace, "a")
    ORIGIN.reset(before)
    record(database, workspace, "b")
    with database.transaction() as session:
        found = [(each.request_id, each.address) for each in newest_entries(session, workspace)]
    assert found == [(None, None), ("r1", "192.0.2.7")]


def test_the_web_appends_to_its_own_workspaces_alone(
    database: Database, workspace: UUID, other: UUID
) -> None:
    narrowed = database.narrowed(lambda: within(frozenset({workspace})))
    record(narrowed, workspace, "mine")
    record(narrowed, None, "the installation's")
    with pytest.raises(DBAPIError, match="belongs to a workspace of its transaction"):
        record(narrowed, other, "not mine")
    assert problems(database) == {None: None, "own": None}


def test_signing_in_appends_to_any_chain(database: Database, workspace: UUID) -> None:
    narrowed = database.narrowed(lambda: SIGNING_IN)
    record(narrowed, workspace, "a")
    record(narrowed, None, "b")
    assert problems(database) == {None: None, "own": None}


def test_what_the_release_before_writes_takes_its_place_and_it_sees_only_acts_it_knows(
    database: Database, workspace: UUID
) -> None:
    record(database, workspace, "a")
    with database.transaction() as session:
        audit = Audit(session=session, workspace_id=workspace, actor=ADA)
        audit.record(AuditAction.DOWNLOADED, "a report")
    with database.engine.begin() as connection:
        connection.execute(text("SET LOCAL ROLE operationrun_web"))
        named = {"id": f"{{{workspace}}}"}
        connection.execute(text("SELECT set_config('operationrun.workspaces', :id, true)"), named)
        written = (
            "INSERT INTO audit_entries (workspace_id, action, subject, subject_id, detail, actor_kind, "
            "actor_name, at) VALUES (:id, 'token_created', 'robot', NULL, '', 'user', 'ada', now()) "
            "RETURNING id"
        )
        assert connection.execute(text(written), {"id": workspace}).scalar_one()
        seen = connection.execute(text("SELECT action FROM audit_entries ORDER BY id")).scalars().all()
    assert seen == ["view_saved", "token_created"]
    assert [(check.count, check.problem) for check in verify_chains(database)] == [(3, None)]
