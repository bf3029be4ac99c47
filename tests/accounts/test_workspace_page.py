"""The page of a workspace's people and tokens."""

import re

import pytest
from sqlalchemy import select, update

from models.access import ApiToken, AuditAction, AuditEntry, Member, Role, User
from models.base import utc_now
from models.errors import Conflict, InvalidInput
from services.access.members import Members, ensure_person
from services.access.principals import principal_of_user
from services.validation import check_name
from tests.clients import Browser
from tests.page import Part, page_of
from tests.world import World
from web.accounts.audit_wording import sentence_of

TOKEN = re.compile(r"opr_[\w-]{43}")
NEVER_USED = '[aria-labelledby="tokens"] [data-last-used="never"]'


@pytest.fixture
def page(world: World) -> str:
    return f"/workspaces/{world.workspace.id}"


@pytest.fixture
def owner(world: World) -> Browser:
    return world.browser(Role.OWNER)


def member(world: World, user: User) -> str | None:
    with world.database.transaction() as session:
        return session.scalar(select(Member.role).where(Member.user_id == user.id))


def assert_listed(page: Part, action: AuditAction, subject: str, detail: str) -> None:
    """Assert that the recent changes list one of this action, in its sentence."""
    entry = AuditEntry(action=action, actor_name="", subject=subject, detail=detail)
    listed = page.one(f'[aria-labelledby="changes"] li[data-action="{action}"]')
    assert sentence_of(entry) in listed.text


def test_it_adds_a_person_who_is_not_known_yet(world: World, owner: Browser, page: str) -> None:
    answer = owner.submit(f"{page}/members", page=page, email=" new@contoso.example ", role="reviewer")

    assert answer.status_code == 303
    shown = owner.page(page)
    assert "new@contoso.example" in shown.texts('[aria-labelledby="members"] th .lead')
    assert_listed(shown, AuditAction.MEMBER_ADDED, "new@contoso.example", "reviewer")
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


def test_it_says_what_is_wrong_with_an_address_and_keeps_what_was_typed(
    world: World, owner: Browser, page: str
) -> None:
    answer = owner.submit(f"{page}/members", page=page, email="nobody", role="reader")

    with world.database.transaction() as session, pytest.raises(InvalidInput) as refused:
        ensure_person(session, "nobody")
    assert answer.status_code == 422
    assert page_of(answer.text).refusal("member-email") == str(refused.value)
    assert page_of(answer.text).one("#member-email")["value"] == "nobody"


def test_it_names_the_roles_to_choose_from_and_keeps_what_was_typed(owner: Browser, page: str) -> None:
    answer = owner.submit(f"{page}/members", page=page, email="a@b.c", role="king")

    assert answer.status_code == 422
    assert ", ".join(Role) in page_of(answer.text).refusal("member-role")
    assert page_of(answer.text).one("#member-email")["value"] == "a@b.c"


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
    shown = owner.page(page)
    assert_listed(shown, AuditAction.MEMBER_ROLE_CHANGED, person.email, "reader to operator")
    assert_listed(shown, AuditAction.MEMBER_REMOVED, person.email, "operator")


def test_the_last_owner_stays(world: World, owner: Browser, page: str) -> None:
    with world.database.transaction() as session:
        owner_id = session.scalars(select(Member.user_id)).one()
        with pytest.raises(Conflict) as refused:
            Members(session, world.workspace.id).remove(owner_id)
    for path, values in ((f"{owner_id}/removal", {}), (f"{owner_id}/role", {"role": "reader"})):
        answer = owner.submit(f"{page}/members/{path}", page=page, **values)
        assert answer.status_code == 409
        alert = page_of(answer.text).one('[aria-labelledby="members"] [role="alert"]')
        assert alert.text == str(refused.value)


def test_a_token_is_shown_once_and_lets_a_program_in(world: World, owner: Browser, page: str) -> None:
    made = owner.submit(f"{page}/tokens", page=page, name="robot", role="reader")

    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    [token] = TOKEN.findall(made.text)
    shown = owner.read(page)
    assert token not in shown
    assert page_of(shown).texts('[aria-labelledby="tokens"] th code') == [f"{token[:10]}…"]
    assert page_of(shown).has(NEVER_USED)
    bearer = {"Authorization": f"Bearer {token}"}
    assert world.app.test_client().get("/api/v1/environments", headers=bearer).status_code == 200
    assert not owner.page(page).has(NEVER_USED)


def test_a_token_that_is_revoked_lets_nobody_in(world: World, owner: Browser, page: str) -> None:
    made = owner.submit(f"{page}/tokens", page=page, name="robot", role="reader")
    [token] = TOKEN.findall(made.text)
    bearer = {"Authorization": f"Bearer {token}"}
    with world.database.transaction() as session:
        token_id = session.scalars(select(ApiToken.id)).one()

    assert owner.submit(f"{page}/tokens/{token_id}/revoke", page=page).status_code == 303
    assert owner.submit(f"{page}/tokens/{token_id}/revoke", page=page).status_code == 404

    assert world.app.test_client().get("/api/v1/environments", headers=bearer).status_code == 401
    shown = owner.page(page)
    assert_listed(shown, AuditAction.TOKEN_REVOKED, "robot", f"reader, {token[:10]}…")
    assert shown.has('[aria-labelledby="tokens"] [data-empty="no-token"]')


def test_the_page_says_when_a_token_expires_and_warns_of_one_that_never_does(
    world: World, owner: Browser, page: str
) -> None:
    for expires in ("90", "never"):
        made = owner.submit(f"{page}/tokens", page=page, name=expires, role="reader", expires=expires)
        assert made.status_code == 201
    [token] = TOKEN.findall(owner.submit(f"{page}/tokens", page=page, name="old", role="reader").text)
    with world.database.transaction() as session:
        session.execute(update(ApiToken).where(ApiToken.name == "old").values(expires_at=utc_now()))

    rows = owner.page(page).all("[data-expires]")
    assert [each["data-expires"] for each in rows] == ["over", "never", "later"]
    bearer = {"Authorization": f"Bearer {token}"}
    refused = world.app.test_client().get("/api/v1/environments", headers=bearer)
    assert (refused.status_code, refused.get_json()["code"]) == (401, "token_expired")
    made_up = world.app.test_client().get(
        "/api/v1/environments", headers={"Authorization": f"Bearer {token[:-1]}"}
    )
    assert (made_up.status_code, made_up.get_json()["code"]) == (401, "unauthenticated")
    soon = owner.submit(f"{page}/tokens", page=page, name="x", role="reader", expires="soon")
    assert (soon.status_code, "such as 90" in page_of(soon.text).refusal("token-expires")) == (422, True)


def test_a_token_needs_a_name(owner: Browser, page: str) -> None:
    answer = owner.submit(f"{page}/tokens", page=page, name=" ", role="reader")

    assert answer.status_code == 422
    with pytest.raises(InvalidInput) as refused:
        check_name(" ")
    assert page_of(answer.text).refusal("token-name") == str(refused.value)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.REVIEWER, Role.READER])
def test_who_may_not_manage_is_refused_and_nothing_changes(world: World, page: str, role: Role) -> None:
    browser = world.browser(role)

    assert browser.get(page).status_code == 403
    answer = browser.submit(f"{page}/members", page="/account", email="a@b.example", role="owner")

    assert answer.status_code == 403
    with world.database.transaction() as session:
        acts = [each.action for each in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
        assert acts == ["sign_in_link_created", "signed_in", "refused", "refused"]
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
