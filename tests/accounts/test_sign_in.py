from sqlalchemy import text

from models.access import Role
from tests.clients import Browser
from tests.page import page_of
from tests.world import World
from web.error_pages import PAGES


def test_it_shows_a_button_and_leaves_the_link_unused(world: World) -> None:
    link = world.link_for(world.add_person(Role.READER))
    browser = Browser(world.app.test_client())

    for _ in range(2):
        assert browser.page(link).has(f'form[method="post"][action="{link}"] button:not([disabled])')
    assert browser.submit(link, page=link).status_code == 303


def test_it_leads_to_the_operations_and_remembers_who_it_is(world: World) -> None:
    browser = world.browser(Role.READER)

    assert browser.get("/").headers["Location"] == "/operations"
    assert "reader-" in browser.read("/operations")


def test_a_link_works_once(world: World) -> None:
    link = world.link_for(world.add_person(Role.READER))
    Browser(world.app.test_client()).submit(link, page=link)

    answer = Browser(world.app.test_client()).submit(link, page=link)

    assert answer.status_code == 401
    error = page_of(answer.text).one("[data-error]")
    assert (error["data-error"], error.one("h1").text) == ("sign_in_link", PAGES["sign_in_link"].title)


def test_a_link_that_never_was_does_not_sign_in(world: World) -> None:
    browser = Browser(world.app.test_client())

    assert browser.submit("/sign-in/made-up", page="/sign-in/made-up").status_code == 401
    assert browser.get("/operations").status_code == 401


def test_the_cookie_is_kept_from_scripts_and_other_sites(world: World) -> None:
    browser = Browser(world.app.test_client())
    link = world.link_for(world.add_person(Role.READER))

    cookies = browser.submit(link, page=link).headers.getlist("Set-Cookie")

    assert sorted(each.split("=")[0] for each in cookies) == ["operationrun", "operationrun-session"]
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie  # the public address of this test is http


def test_signing_out_forgets_the_person(world: World) -> None:
    browser = world.browser(Role.READER)

    assert browser.submit("/sign-out", page="/operations").status_code == 200
    assert browser.get("/operations").status_code == 401


def test_signing_out_needs_the_forms_token(world: World) -> None:
    browser = world.browser(Role.READER)

    assert browser.client.post("/sign-out").status_code == 400
    assert browser.get("/operations").status_code == 200


def test_signing_in_needs_the_forms_token(world: World) -> None:
    link = world.link_for(world.add_person(Role.READER))

    assert world.app.test_client().post(link).status_code == 400
    browser = Browser(world.app.test_client())
    assert browser.submit(link, page=link).status_code == 303


def test_signing_out_rejects_get(world: World) -> None:
    assert world.browser(Role.READER).get("/sign-out").status_code == 405


def test_a_person_who_was_removed_is_signed_out(world: World) -> None:
    browser = world.browser(None)
    with world.database.transaction() as session:
        for table in ("browser_sessions", "sign_in_links", "users"):
            session.execute(text(f"DELETE FROM {table}"))

    assert browser.get("/operations").status_code == 401
