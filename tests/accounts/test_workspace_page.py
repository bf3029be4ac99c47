"""The page of a workspace's people and tokens."""

import re

import pytest
from sqlalchemy import select

from models.access import ApiToken, AuditEntry, Member, Role, User
from services.access.principals import principal_of_user
from tests.clients import Browser
from tests.world import World

TOKEN = re.compile(r"opr_[\w-]{43}")


@pytest.fixture
def page(world: World) -> str:
    return f"/workspaces/{world.workspace.id}"


@pytest.fixture
def owner(world: World) -> Browser:
    return world.browser(Role.OWNER)


def member(world: World, user: User) -> str | None:
    with world.database.transaction() as session:
        return session.scalar(select(Member.role).where(Member.user_id == user.id))


def test_it_adds_a_person_who_is_not_known_yet(world: World, owner: Browser, page: str) -> None:
    answer = owner.submit(f"{page}/members", page=page, email=" new@contoso.example ", role="reviewer")

    assert answer.status_code == 303
    shown = owner.read(page)
    assert "new@contoso.example" in shown
    assert "added new@contoso.example as reviewer." in shown
    with world.database.transaction() as session:
        user = session.scalars(select(User).where(User.email == "new@contoso.example")).one()
        assert principal_of_user(session, user.id).roles == {world.workspace.id: Role.REVIEWER}


def test_it_adds_a_person_of_another_workspace_without_showing_that_they_are(
    world: World, owner: Browser, page: str
) -> None:
    stranger = world.add_person(Role.OWNER, world.add_workspace("fabrikam", "Fabrikam"))
    assert stranger.email not in owner.read(page)

    assert owner.submit(f"{page}/members", page=page, email=stranger.email, role="reader").status_code == 303

    assert "Fabrikam" not in owner.read(page)
    with world.database.transaction() as session:
        assert len(principal_of_user(session, stranger.id).roles) == 2


@pytest.mark.parametrize(
    ("email", "role", "says"), [("nobody", "reader", "not an e-mail"), ("a@b.c", "king", "Choose one")]
)
def test_it_says_what_is_wrong_and_keeps_what_was_typed(
    owner: Browser, page: str, email: str, role: str, says: str
) -> None:
    answer = owner.submit(f"{page}/members", page=page, email=email, role=role)

    assert answer.status_code == 422
    assert says in answer.text
    assert f'value="{email}"' in answer.text


def test_it_changes_a_role_and_removes_a_person_at_once(world: World, owner: Browser, page: str) -> None:
    person = world.add_person(Role.READER)
    their = Browser(world.app.test_client())
    link = world.link_for(person)
    their.submit(link, page=link)

    owner.submit(f"{page}/members/{person.id}/role", page=page, role="operator")
    assert member(world, person) == "operator"
    assert their.get("/environments").status_code == 200
    owner.submit(f"{page}/members/{person.id}/removal", page=page)

    assert member(world, person) is None
    assert "Windows devices" not in their.read("/environments")
    shown = owner.read(page)
    assert f"changed the role of {person.email} from reader to operator." in shown
    assert f"removed {person.email}, who was operator." in shown


def test_the_last_owner_stays(world: World, owner: Browser, page: str) -> None:
    with world.database.transaction() as session:
        owner_id = session.scalars(select(Member.user_id)).one()
    for path, values in ((f"{owner_id}/removal", {}), (f"{owner_id}/role", {"role": "reader"})):
        answer = owner.submit(f"{page}/members/{path}", page=page, **values)
        assert answer.status_code == 409
        assert "keeps one owner at least" in answer.text


def test_a_token_is_shown_once_and_lets_a_program_in(world: World, owner: Browser, page: str) -> None:
    made = owner.submit(f"{page}/tokens", page=page, name="robot", role="reader")

    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    [token] = TOKEN.findall(made.text)
    shown = owner.read(page)
    assert token not in shown
    assert token[:10] in shown
    assert "</span>never" in shown
    bearer = {"Authorization": f"Bearer {token}"}
    assert world.app.test_client().get("/api/v1/environments", headers=bearer).status_code == 200
    assert "</span>never" not in owner.read(page)


def test_a_token_that_is_revoked_lets_nobody_in(world: World, owner: Browser, page: str) -> None:
    made = owner.submit(f"{page}/tokens", page=page, name="robot", role="reader")
    bearer = {"Authorization": f"Bearer {TOKEN.findall(made.text)[0]}"}
    with world.database.transaction() as session:
        token_id = session.scalars(select(ApiToken.id)).one()

    assert owner.submit(f"{page}/tokens/{token_id}/revoke", page=page).status_code == 303
    assert owner.submit(f"{page}/tokens/{token_id}/revoke", page=page).status_code == 404

    assert world.app.test_client().get("/api/v1/environments", headers=bearer).status_code == 401
    shown = owner.read(page)
    assert "revoked the token “robot”" in shown
    assert "None. Programs reach" in shown


def test_a_token_needs_a_name(owner: Browser, page: str) -> None:
    answer = owner.submit(f"{page}/tokens", page=page, name=" ", role="reader")

    assert answer.status_code == 422
    assert "A name is 1 to 200 printable characters." in answer.text


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.REVIEWER, Role.READER])
def test_who_may_not_manage_is_refused_and_nothing_changes(world: World, page: str, role: Role) -> None:
    browser = world.browser(role)

    assert browser.get(page).status_code == 403
    answer = browser.submit(f"{page}/members", page="/account", email="a@b.example", role="owner")

    assert answer.status_code == 403
    with world.database.transaction() as session:
        assert session.scalars(select(AuditEntry)).all() == []
        assert len(session.scalars(select(User)).all()) == 1


def test_no_token_of_another_workspace_is_revoked(world: World, page: str) -> None:
    made = world.browser(Role.OWNER).submit(f"{page}/tokens", page=page, name="robot", role="reader")
    assert made.status_code == 201
    with world.database.transaction() as session:
        token_id = session.scalars(select(ApiToken.id)).one()
    fabrikam = world.add_workspace("fabrikam", "Fabrikam")
    foreign = world.browser(Role.OWNER, fabrikam)

    for path in (f"{page}/tokens/{token_id}/revoke", f"/workspaces/{fabrikam.id}/tokens/{token_id}/revoke"):
        assert foreign.submit(path, page="/account").status_code == 404
    with world.database.transaction() as session:
        assert session.scalars(select(ApiToken)).one().revoked_at is None
