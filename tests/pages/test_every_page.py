"""What holds for every page alike: who may see it, how it may be asked, what it carries."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from models.access import Role
from models.review import ReviewStatus
from services.database.session import Database
from tests.clients import Browser
from tests.factories import changed
from tests.page import page_of
from tests.world import World
from web.app import create_app
from web.browser_session import cookie_name
from web.error_pages import PAGES

FINDINGS = [{"code": "drifted", "severity": "warning", "title": "Items differ", "items": ["b.json"]}]
READS: dict[str, Callable[[World], str]] = {
    "operations": lambda _: "/operations",
    "list fragment": lambda _: "/operations/fragment",
    "run": lambda world: f"/operations/{world.queued().id}",
    "fragment": lambda world: f"/operations/{world.queued().id}/fragment",
    "evidence": lambda world: f"/operations/{world.queued().id}/evidence.json",
    "cancellation": lambda world: f"/operations/{world.queued().id}/cancellation",
    "environments": lambda _: "/environments",
    "environment": lambda world: f"/environments/{world.environment.id}",
    "plan": lambda world: f"/restore-plans/{world.plan().id}",
    "review": lambda world: f"/reviews/{world.review().id}",
    "finding": lambda world: f"/reviews/{world.review(findings=FINDINGS).id}/findings/drifted",
    "change": lambda world: f"/reviews/{world.review(changes=[changed('a.json')]).id}/changes/0",
    "archiving": lambda world: f"/reviews/{world.review().id}/archiving",
    "published": lambda _: "/published",
    "published review": lambda world: f"/published/{world.review(ReviewStatus.PUBLISHED).id}",
}
WRITES: dict[str, Callable[[World], str]] = {
    "compose": lambda world: f"/environments/{world.environment.id}/reviews",
    "restore point": lambda world: f"/environments/{world.environment.id}/restore-points",
    "preview": lambda world: f"/environments/{world.environment.id}/restore-plans",
    "execute": lambda world: f"/restore-plans/{world.plan().id}/execute",
    "cancel": lambda world: f"/operations/{world.queued().id}/cancel",
    "check": lambda world: f"/operations/{world.queued().id}/check",
    "settle": lambda world: f"/operations/{world.queued().id}/settle",
    "again": lambda world: f"/operations/{world.queued().id}/again",
    "archive": lambda world: f"/reviews/{world.review().id}/archive",
    "publish": lambda world: f"/reviews/{world.review().id}/publish",
}
OF_ONE_WORKSPACE = [
    name for name in READS if name not in {"operations", "list fragment", "environments", "published"}
]
# A list stands at the address that takes what is new in it.
WITHOUT_LIST = [name for name in WRITES if name != "compose"]
FOR_CUSTOMERS = {"published review"}
NOWHERE = "01890000-0000-7000-8000-000000000000"


def assert_calm(answer: Any, name: str, status: int) -> None:
    """Hold an answer to one of the error pages and its status."""
    assert answer.status_code == status
    shown = page_of(answer.text).one("[data-error]")
    assert shown["data-error"] == name
    assert shown.one("h1").text == PAGES[name].title


def _without_token(page: str) -> str:
    """Leave out what tells the second in which a form was made."""
    return re.sub(r'name="csrf_token" value="[^"]+"', "", page)


@pytest.mark.parametrize("page", READS)
def test_it_asks_to_sign_in(world: World, page: str) -> None:
    answer = Browser(world.app.test_client()).get(READS[page](world))

    assert answer.status_code == 401
    assert "operationrun up" in page_of(answer.text).says("no-password")


@pytest.mark.parametrize("page", READS)
def test_it_rejects_post(world: World, page: str) -> None:
    browser = world.browser(Role.OWNER)

    answer = browser.submit(READS[page](world), page="/operations")

    assert_calm(answer, "405", 405)
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("form", WITHOUT_LIST)
def test_a_form_rejects_get(world: World, form: str) -> None:
    assert world.browser(Role.OWNER).get(WRITES[form](world)).status_code == 405


@pytest.mark.parametrize("form", WRITES)
def test_a_form_without_its_token_is_refused(world: World, form: str) -> None:
    answer = world.browser(Role.OWNER).client.post(WRITES[form](world))

    assert_calm(answer, "csrf", 400)
    assert world.engine.starts == []


@pytest.mark.parametrize("form", WRITES)
def test_a_form_of_another_workspace_is_not_there(world: World, form: str) -> None:
    browser = world.browser(Role.OWNER, world.add_workspace("fabrikam", "Fabrikam"))

    assert browser.submit(WRITES[form](world), page="/operations").status_code == 404


@pytest.mark.parametrize("form", WRITES)
def test_a_reader_may_not_send_a_form(world: World, form: str) -> None:
    answer = world.browser(Role.READER).submit(WRITES[form](world), page="/operations")

    assert_calm(answer, "403", 403)
    assert world.engine.starts == []


@pytest.mark.parametrize("page", OF_ONE_WORKSPACE)
def test_what_is_of_another_workspace_looks_like_what_is_not_there(world: World, page: str) -> None:
    browser = world.browser(Role.OWNER, world.add_workspace("fabrikam", "Fabrikam"))
    path = READS[page](world)
    missing = path.replace(path.split("/")[2], NOWHERE)

    foreign, absent = browser.get(path), browser.get(missing)

    assert foreign.status_code == absent.status_code == 404
    assert _without_token(foreign.text) == _without_token(absent.text)


@pytest.mark.parametrize("page", [name for name in OF_ONE_WORKSPACE if name not in FOR_CUSTOMERS])
def test_a_customer_sees_nothing_of_it(world: World, page: str) -> None:
    assert world.browser(Role.CUSTOMER).get(READS[page](world)).status_code == 404


@pytest.mark.parametrize("page", READS)
def test_it_carries_the_headers_that_keep_it_safe(world: World, page: str) -> None:
    answer = world.browser(Role.READER).get(READS[page](world))

    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert " style=" not in answer.text
    assert "<style" not in answer.text
    assert " onclick=" not in answer.text


@pytest.mark.parametrize("path", ["/nothing", "/operations/not-an-id", f"/operations/{NOWHERE}"])
def test_what_does_not_exist_is_a_calm_404(world: World, path: str) -> None:
    answer = world.browser(Role.READER).get(path)

    assert_calm(answer, "404", 404)


def test_a_form_that_is_too_large_is_a_calm_413(world: World) -> None:
    path = f"/environments/{world.environment.id}/restore-plans"

    answer = world.browser(Role.OWNER).submit(path, page="/operations", items="a" * 2_000_000)

    assert_calm(answer, "413", 413)


def test_a_fault_of_ours_is_a_calm_500_that_tells_nothing(world: World, monkeypatch: Any) -> None:
    def fault(*_: Any, **__: Any) -> None:
        raise RuntimeError("the secret of the inside")

    browser = world.browser(Role.READER)
    monkeypatch.setattr("web.environments.pages.list_environments", fault)

    answer = browser.get("/environments")

    assert_calm(answer, "500", 500)
    assert "secret" not in answer.text


def test_a_database_that_is_away_is_a_calm_503(world: World) -> None:
    nobody_home = replace(world.services, database=Database.connect("postgresql://postgres@127.0.0.1:1/none"))
    app = create_app(nobody_home, secret_key="a key of this test alone")
    browser = Browser(app.test_client())
    with app.app_context():
        browser.client.set_cookie(cookie_name(), "a secret that nobody can look up")

    answer = browser.get("/environments")

    assert_calm(answer, "503", 503)
