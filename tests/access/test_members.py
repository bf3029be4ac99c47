from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import select
from uuid_utils.compat import uuid7

from models.access import AuditEntry, Role, User
from models.errors import Conflict, NotFound
from services.access.audit import newest_entries
from services.access.members import Members, ensure_person, find_person
from services.access.principals import principal_of_user
from services.database.row_security import within
from services.database.session import Database
from tests.factories import ADA, make_workspace


@pytest.fixture
def workspace_id(database: Database) -> UUID:
    with database.transaction() as session:
        return make_workspace(session).id


@pytest.fixture
def owner(database: Database, workspace_id: UUID) -> User:
    with database.transaction() as session:
        return Members(session, workspace_id, actor=ADA).add(email="owner@example.org", role=Role.OWNER)


def roles(database: Database, workspace_id: UUID) -> dict[str, Role]:
    with database.transaction() as session:
        return {user.email: role for user, role in Members(session, workspace_id).list()}


def test_it_adds_changes_and_removes_and_each_leaves_an_entry(
    database: Database, workspace_id: UUID, owner: User
) -> None:
    assert owner.email
    with database.transaction() as session:
        members = Members(session, workspace_id, actor=ADA)
        grace = members.add(email="grace@example.org", role=Role.READER)
        members.put(grace, Role.READER)
        members.put(grace, Role.OPERATOR)
        members.remove(grace.id)
        with pytest.raises(NotFound):
            members.remove(grace.id)
    with database.transaction() as session:
        entries = newest_entries(session, workspace_id)
    assert [(entry.action, entry.subject, entry.detail, entry.actor_name) for entry in entries] == [
        ("member_removed", "grace@example.org", "operator", ADA.name),
        ("member_role_changed", "grace@example.org", "reader to operator", ADA.name),
        ("member_added", "grace@example.org", "reader", ADA.name),
        ("member_added", "owner@example.org", "owner", ADA.name),
    ]


def test_who_is_removed_has_no_role_there_from_then_on(
    database: Database, workspace_id: UUID, owner: User
) -> None:
    with database.transaction() as session:
        members = Members(session, workspace_id)
        members.add(email="another@example.org", role=Role.OWNER)
        members.remove(owner.id)
        assert principal_of_user(session, owner.id).roles == {}


def test_a_workspace_keeps_one_owner_at_least(database: Database, workspace_id: UUID, owner: User) -> None:
    with database.transaction() as session:
        members = Members(session, workspace_id)
        with pytest.raises(Conflict, match="one owner"):
            members.put(owner, Role.READER)
        with pytest.raises(Conflict, match="one owner"):
            members.remove(owner.id)
        members.put(owner, Role.OWNER)
        assert session.scalars(select(AuditEntry)).one().action == "member_added"


def test_two_owners_who_leave_at_once_do_not_both_leave(
    database: Database, workspace_id: UUID, owner: User
) -> None:
    with database.transaction() as session:
        other = Members(session, workspace_id).add(email="other@example.org", role=Role.OWNER)

    def leave(user: User) -> bool:
        try:
            with database.transaction() as session:
                Members(session, workspace_id).remove(user.id)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(leave, [owner, other])) == [False, True]
    assert len(roles(database, workspace_id)) == 1


def test_it_removes_nobody_who_is_no_member(database: Database, workspace_id: UUID) -> None:
    with database.transaction() as session:
        stranger = ensure_person(session, "stranger@example.org")
        for user_id in (stranger.id, uuid7()):
            with pytest.raises(NotFound):
                Members(session, workspace_id).remove(user_id)


def test_an_owner_sees_the_people_of_their_workspace_alone(
    database: Database, workspace_id: UUID, owner: User
) -> None:
    with database.transaction() as session:
        foreign_id = make_workspace(session, "foreign").id
        foreigner = Members(session, foreign_id).add(email="foreigner@example.org", role=Role.OWNER)
    narrowed = database.narrowed(lambda: within(frozenset({workspace_id})))
    with narrowed.transaction() as session:
        assert [user.email for user, _ in Members(session, workspace_id).list()] == [owner.email]
        assert Members(session, foreign_id).list() == []
        assert find_person(session, foreigner.email) is None
        Members(session, workspace_id).put(foreigner, Role.READER)
        assert find_person(session, foreigner.email) is not None
