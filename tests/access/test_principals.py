from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from models.access import ApiToken, Role, SignInLink, User
from models.base import utc_now
from models.catalog import Capability
from models.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from services.access.members import Members
from services.access.principals import CAPABILITIES, Principal, principal_of_user, require
from services.access.sign_in_links import SIGN_IN_LINK_LIFETIME, create_sign_in_link, redeem_sign_in_link
from services.access.tokens import create_token, principal_of_token, revoke_tokens
from services.database.session import Database
from services.workspaces.workspaces import Workspaces

VIEW = Capability.OPERATIONS_VIEW
ACT = Capability.OPERATIONS_ACT


@pytest.fixture
def workspace_id(database: Database) -> UUID:
    with database.transaction() as session:
        return Workspaces(session).create(slug="own").id


@pytest.fixture
def user(database: Database, workspace_id: UUID) -> User:
    with database.transaction() as session:
        return Members(session, workspace_id).add(email="Ada@Example.org", role=Role.READER)


def _principal(database: Database, workspace_id: UUID, role: Role) -> Principal:
    with database.transaction() as session:
        token = create_token(session, workspace_id=workspace_id, role=role, name=f"a {role}")
    with database.transaction() as session:
        return principal_of_token(session, token)


def test_every_role_has_its_capabilities_and_owners_have_all() -> None:
    assert set(CAPABILITIES) == set(Role)
    assert CAPABILITIES[Role.OWNER] == set(Capability)
    assert CAPABILITIES[Role.CUSTOMER] == {Capability.REVIEWS_PUBLISHED_VIEW}
    who_may = {each: {role for role in Role if each in CAPABILITIES[role]} for each in Capability}
    assert who_may[ACT] == {Role.OWNER, Role.OPERATOR}
    assert who_may[Capability.REVIEWS_MANAGE] == {Role.OWNER, Role.REVIEWER}
    assert who_may[Capability.ENVIRONMENTS_MANAGE] == who_may[Capability.WORKSPACE_MANAGE] == {Role.OWNER}


def test_it_tells_a_token_by_its_text_and_keeps_only_the_hash(database: Database, workspace_id: UUID) -> None:
    with database.transaction() as session:
        token = create_token(session, workspace_id=workspace_id, role=Role.OPERATOR, name="robot")
    with database.transaction() as session:
        principal = principal_of_token(session, token)
        kept = session.scalars(select(ApiToken)).one()
    assert token.startswith("opr_")
    assert len(token) == len("opr_") + 43
    assert token not in str(vars(kept))
    assert (principal.actor.kind, principal.actor.name) == ("token", "robot")
    assert principal.roles == {workspace_id: Role.OPERATOR}


def test_it_refuses_unknown_and_revoked_tokens(database: Database, workspace_id: UUID) -> None:
    with database.transaction() as session:
        revoked = create_token(session, workspace_id=workspace_id, role=Role.OWNER, name="old")
        kept = create_token(session, workspace_id=workspace_id, role=Role.OWNER, name="new")
        session.flush()
        revoke_tokens(session, workspace_id=workspace_id, name="old")
    with database.transaction() as session:
        principal_of_token(session, kept)
        for token in (revoked, "", "opr_", "\x00", "\ud800"):
            with pytest.raises(Unauthenticated):
                principal_of_token(session, token)


def test_it_hides_what_is_out_of_scope_and_forbids_what_is_seen(
    database: Database, workspace_id: UUID
) -> None:
    with database.transaction() as session:
        other_id = Workspaces(session).create(slug="other").id
    reader = _principal(database, workspace_id, Role.READER)
    require(reader, workspace_id, VIEW, see=VIEW)
    with pytest.raises(Forbidden):
        require(reader, workspace_id, ACT, see=VIEW)
    with pytest.raises(NotFound):
        require(reader, other_id, VIEW, see=VIEW)
    customer = _principal(database, workspace_id, Role.CUSTOMER)
    with pytest.raises(NotFound):
        require(customer, workspace_id, ACT, see=VIEW)
    with pytest.raises(NotFound):
        require(customer, workspace_id, Capability.REVIEWS_VIEW, see=Capability.REVIEWS_PUBLISHED_VIEW)
    with pytest.raises(Forbidden):
        require(customer, workspace_id, Capability.REVIEWS_MANAGE, see=Capability.REVIEWS_PUBLISHED_VIEW)
    assert reader.workspaces_where(VIEW) == {workspace_id}
    assert reader.workspaces_where(ACT) == frozenset()


def test_it_signs_a_person_in_once(database: Database, user: User, workspace_id: UUID) -> None:
    with database.transaction() as session:
        secret = create_sign_in_link(session, user.id)
    with database.transaction() as session:
        assert redeem_sign_in_link(session, secret).id == user.id
        assert session.scalars(select(SignInLink)).one().secret_hash != secret
        principal = principal_of_user(session, user.id)
    assert (principal.actor.kind, principal.actor.name) == ("user", "Ada@Example.org")
    assert principal.roles == {workspace_id: Role.READER}
    with database.transaction() as session, pytest.raises(Unauthenticated):
        redeem_sign_in_link(session, secret)


def test_it_lets_one_of_many_in_by_one_link(database: Database, user: User) -> None:
    with database.transaction() as session:
        secret = create_sign_in_link(session, user.id)

    def redeem(_: int) -> bool:
        try:
            with database.transaction() as session:
                redeem_sign_in_link(session, secret)
        except Unauthenticated:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(redeem, range(8))) == [False] * 7 + [True]


def test_it_refuses_a_link_that_has_expired(database: Database, user: User) -> None:
    with database.transaction() as session:
        secret = create_sign_in_link(session, user.id)
    late = utc_now() + SIGN_IN_LINK_LIFETIME + timedelta(seconds=1)
    with database.transaction() as session, pytest.raises(Unauthenticated):
        redeem_sign_in_link(session, secret, clock=lambda: late)
    with database.transaction() as session:
        redeem_sign_in_link(session, secret)


def test_it_refuses_links_and_people_that_do_not_exist(database: Database, workspace_id: UUID) -> None:
    with database.transaction() as session:
        with pytest.raises(Unauthenticated):
            redeem_sign_in_link(session, "\x00")
        with pytest.raises(Unauthenticated):
            principal_of_user(session, workspace_id)


def test_it_gives_a_person_one_role_per_workspace(database: Database, user: User, workspace_id: UUID) -> None:
    with database.transaction() as session:
        again = Members(session, workspace_id).add(email="ada@example.org", role=Role.OWNER)
        assert again.id == user.id
        assert principal_of_user(session, user.id).roles == {workspace_id: Role.OWNER}
        assert session.scalar(text("SELECT count(*) FROM users")) == 1


def test_it_refuses_workspaces_and_people_that_cannot_be(database: Database, workspace_id: UUID) -> None:
    with database.transaction() as session:
        workspaces = Workspaces(session)
        with pytest.raises(Conflict):
            workspaces.create(slug="own")
        for slug in ("", "Own", "-own", "own-", "o" * 65, "o\n"):
            with pytest.raises(InvalidInput, match="slug"):
                workspaces.create(slug=slug)
        with pytest.raises(InvalidInput, match="name"):
            workspaces.create(slug="other", name="\x00")
        with pytest.raises(InvalidInput, match="no workspace"):
            workspaces.find("other")
        for email in ("", "ada", "ada@", "a da@example.org", "ada@example.org\n", "\x00@x"):
            with pytest.raises(InvalidInput, match="e-mail"):
                Members(session, workspace_id).add(email=email, role=Role.OWNER)
