"""Signing in by password, the sessions of browsers, and a person's own page."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from models.access import BrowserSession, Role, User
from models.base import utc_now
from models.errors import InvalidInput
from services.access.password_sign_in import PER_NAME
from services.access.passwords import check_password, set_password
from services.access.sessions import SessionLimits
from tests.clients import Browser
from tests.page import page_of
from tests.world import World
from web.accounts import sign_in as sign_in_pages
from web.app import create_app

PASSWORD = "several words in a row"
LIMITS = SessionLimits()
COOKIE = "operationrun-session"
PROBLEM = '#sign-in-problem[role="alert"]'
PRESENT = '[aria-labelledby="password"] #present'


@pytest.fixture
def person(world: World) -> User:
    user = world.add_person(Role.READER)
    with world.database.transaction() as session:
        set_password(session, user.id, PASSWORD)
    return user


def sign_in(browser: Browser, name: str, password: str = PASSWORD, **values: str) -> Any:
    return browser.submit("/sign-in", page="/sign-in", name=name, password=password, **values)


def signed_in(world: World, person: User) -> Browser:
    browser = Browser(world.app.test_client())
    assert sign_in(browser, person.email).status_code == 303
    return browser


def test_it_signs_in_by_a_password(world: World, person: User) -> None:
    browser = signed_in(world, person)

    assert person.email in browser.read("/account")
    assert browser.get("/sign-in").status_code == 302


def secret_of(browser: Browser) -> str:
    found = browser.client.get_cookie(COOKIE)
    assert found is not None
    return found.value


def test_browsers_and_managers_of_passwords_know_the_fields(world: World) -> None:
    page = Browser(world.app.test_client()).page("/sign-in")

    assert page.one('[name="name"]')["autocomplete"] == "username"
    assert page.one('[name="password"]')["autocomplete"] == "current-password"


def test_whoever_asks_for_a_page_is_led_on_to_it(world: World, person: User) -> None:
    browser = Browser(world.app.test_client())
    asked = browser.get("/account?x=1")

    assert asked.status_code == 401
    assert page_of(asked.text).one('[name="next"]')["value"] == "/account?x=1"
    assert sign_in(browser, person.email, next="/account?x=1").headers["Location"] == "/account?x=1"


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil", "evil", "/\n/"])
def test_nobody_is_led_to_another_site(world: World, person: User, elsewhere: str) -> None:
    location = sign_in(Browser(world.app.test_client()), person.email, next=elsewhere).headers["Location"]

    assert "evil" not in location
    assert location.startswith("/")


def test_it_says_the_same_of_a_wrong_password_and_of_nobody(world: World, person: User) -> None:
    pages = []
    for name in (person.email, "nobody@contoso.example"):
        answer = sign_in(Browser(world.app.test_client()), name, "wrong")
        assert answer.status_code == 422
        pages.append(_plain(answer.text, name))

    assert pages[0] == pages[1]
    assert page_of(answer.text).one(PROBLEM).text == sign_in_pages._WRONG


def test_too_many_attempts_are_a_calm_429_that_says_when_to_come_back(world: World, person: User) -> None:
    browser = Browser(world.app.test_client())
    for _ in range(PER_NAME):
        assert sign_in(browser, person.email, "wrong").status_code == 422

    answer = sign_in(browser, person.email)

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert re.findall(r"\d+ \w+", page_of(answer.text).one(PROBLEM).text) == ["15 minutes"]


def test_the_session_is_another_after_signing_in(world: World, person: User) -> None:
    browser = Browser(world.app.test_client())
    before = browser.client.get("/sign-in")
    token = before.text.split('name="csrf_token" value="')[1].split('"')[0]

    after = sign_in(browser, person.email)

    assert before.headers["Set-Cookie"] != after.headers["Set-Cookie"]
    refused = browser.client.post("/sign-out", data={"csrf_token": token})
    assert refused.status_code == 400


@pytest.mark.parametrize(
    "ends",
    [
        {"last_seen_at": LIMITS.idle},
        {"expires_at": timedelta()},
    ],
    ids=["unused", "too long ago"],
)
def test_a_session_ends(world: World, person: User, ends: dict[str, timedelta]) -> None:
    browser = signed_in(world, person)
    for seconds, status in ((-60, 200), (60, 401)):
        given = {name: utc_now() - age - timedelta(seconds=seconds) for name, age in ends.items()}
        with world.database.transaction() as session:
            session.execute(update(BrowserSession).values(**given))
        assert browser.get("/account").status_code == status


@pytest.mark.parametrize("made_up", ["", "x", "\x00", "é" * 40, "x" * 3000])
def test_a_made_up_secret_signs_nobody_in(world: World, person: User, made_up: str) -> None:
    browser = signed_in(world, person)
    browser.client.set_cookie(COOKIE, made_up)

    assert browser.get("/account").status_code == 401


def test_the_cookie_is_an_opaque_secret_that_the_database_does_not_hold(world: World, person: User) -> None:
    browser = signed_in(world, person)
    secret = secret_of(browser)

    assert re.fullmatch(r"[\w-]{43}", secret)
    with world.database.transaction() as session:
        kept = str(session.execute(text("SELECT * FROM browser_sessions")).all())
    assert secret not in kept


def test_a_copied_cookie_ends_with_the_session(world: World, person: User) -> None:
    browser, thief = signed_in(world, person), Browser(world.app.test_client())
    thief.client.set_cookie(COOKIE, secret_of(browser))
    assert thief.get("/account").status_code == 200

    browser.submit("/sign-out", page="/account")

    assert thief.get("/account").status_code == 401


def test_signing_in_again_ends_what_this_browser_held(world: World, person: User) -> None:
    """A secret that was planted, or copied, before is of no use after (session fixation)."""
    browser, thief = signed_in(world, person), Browser(world.app.test_client())
    thief.client.set_cookie(COOKIE, secret_of(browser))

    link = world.link_for(person)
    browser.submit(link, page=link)

    assert browser.get("/account").status_code == 200
    assert thief.get("/account").status_code == 401


def test_the_account_lists_the_sessions_and_ends_them(world: World, person: User) -> None:
    one, two, three = (signed_in(world, person) for _ in range(3))
    others = one.page("/account").all('[data-session="other"] [name="session"]')
    assert len(others) == 2
    assert not one.page("/account").has('[data-session="this"] [name="session"]')

    one.submit("/account/sessions/end", page="/account", session=others[0]["value"])
    assert sorted(each.get("/account").status_code for each in (two, three)) == [200, 401]
    one.submit("/account/sessions/end-others", page="/account")

    assert [each.get("/account").status_code for each in (one, two, three)] == [200, 401, 401]
    assert not one.page("/account").has('[data-session="other"]')


def test_nobody_ends_the_session_of_another_person(world: World, person: User) -> None:
    browser = signed_in(world, person)
    with world.database.transaction() as session:
        theirs = str(session.scalars(select(BrowserSession.id)).one())
    stranger = world.browser(Role.OWNER)

    for named in (theirs, "x", ""):
        assert stranger.submit("/account/sessions/end", page="/account", session=named).status_code == 303
    stranger.submit("/account/sessions/end-others", page="/account")

    assert browser.get("/account").status_code == 200


def test_a_link_from_before_a_new_password_does_not_work(world: World, person: User) -> None:
    link, browser = world.link_for(person), Browser(world.app.test_client())
    with world.database.transaction() as session:
        set_password(session, person.id, "several other words in a row")

    assert browser.submit(link, page=link).status_code == 401


def test_a_session_in_use_is_not_written_with_every_answer(world: World, person: User) -> None:
    browser = signed_in(world, person)
    browser.read("/environments")  # the first form on a page makes the browser its form token
    assert "Set-Cookie" not in browser.get("/environments").headers


def test_over_https_the_cookie_is_held_to_this_host(world: World) -> None:
    services = replace(world.services, public_url="https://runs.example")
    app = create_app(services, secret_key="a key of this test alone")
    client = app.test_client()
    asked = client.get("/sign-in", base_url="https://runs.example")

    user = world.add_person(Role.READER)
    with world.database.transaction() as session:
        set_password(session, user.id, PASSWORD)
    token = page_of(asked.text).one('[name="csrf_token"]')["value"]
    form = {"csrf_token": token, "name": user.email, "password": PASSWORD}
    headers = {"Referer": "https://runs.example/sign-in"}
    entered = client.post("/sign-in", data=form, base_url="https://runs.example", headers=headers)

    cookies = [*asked.headers.getlist("Set-Cookie"), *entered.headers.getlist("Set-Cookie")]

    assert {each.split("=")[0] for each in cookies} == {
        "__Host-operationrun",
        "__Host-operationrun-session",
    }
    for cookie in cookies:
        for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
            assert flag in cookie
        assert "Domain" not in cookie
    assert asked.headers["Strict-Transport-Security"].startswith("max-age=")


def test_signing_out_everywhere_ends_every_browser(world: World, person: User) -> None:
    one, other = signed_in(world, person), signed_in(world, person)

    answer = one.submit("/account/sign-out-everywhere", page="/account")

    assert page_of(answer.text).one("[data-signed-out]")["data-signed-out"] == "everywhere"
    assert one.get("/account").status_code == other.get("/account").status_code == 401
    assert signed_in(world, person).get("/account").status_code == 200


def test_a_new_password_needs_the_present_one_and_ends_the_other_browsers(world: World, person: User) -> None:
    one, other = signed_in(world, person), signed_in(world, person)
    new = "several other words in a row"

    refused = one.submit("/account/password", page="/account", present="wrong", password=new)
    done = one.submit("/account/password", page="/account", present=PASSWORD, password=new)

    assert (refused.status_code, done.status_code) == (422, 303)
    assert page_of(refused.text).refusal("present")
    assert not page_of(refused.text).has("#new-password-error")
    assert one.get("/account").status_code == 200
    assert other.get("/account").status_code == 401
    assert sign_in(other, person.email).status_code == 422
    assert sign_in(other, person.email, new).status_code == 303


def test_whoever_has_no_password_sets_one(world: World) -> None:
    browser = world.browser(Role.READER)

    assert not browser.page("/account").has(PRESENT)
    short = browser.submit("/account/password", page="/account", password="short")
    done = browser.submit("/account/password", page="/account", password=PASSWORD)

    assert (short.status_code, done.status_code) == (422, 303)
    with pytest.raises(InvalidInput) as refused:
        check_password("short")
    assert page_of(short.text).refusal("new-password") == str(refused.value)
    assert browser.page("/account").has(PRESENT)


def test_the_account_shows_the_workspaces_and_which_may_be_managed(world: World) -> None:
    workspaces = '[aria-labelledby="workspaces-title"]'
    manage = f'{workspaces} a[href="/workspaces/{world.workspace.id}"]'

    assert world.browser(Role.OWNER).page("/account").has(manage)
    page = world.browser(Role.CUSTOMER).page("/account")
    assert page.texts(f"{workspaces} .lead") == ["Contoso"]
    assert not page.has('a[href^="/workspaces/"]')
    assert world.browser(None).page("/account").has(f'{workspaces} [data-empty="no-workspace"]')


def _plain(page: str, name: str) -> str:
    return page.replace(name, "somebody").split("csrf_token")[0] + page.rsplit("csrf_token", 1)[1][
        120:
    ].replace(name, "somebody")
