"""Every page there is: accessible in every light and width, within its policy, readable without scripts."""

from collections import Counter
from http import HTTPStatus
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, Route, expect

from models.access import Role
from runtime.container import build_web_app
from runtime.settings import Settings
from tests.browser.people import People, Person
from tests.browser.things import Things
from tests.browser.watching import Watch
from tests.browser.ways import NO_PAGES, WAYS, Way
from tests.factories import STRONG_KEY
from tests.system import System

WIDTHS: Final = (1200, 390)
LIGHTS: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
SIGNED_IN: Final = [way for way in WAYS if way.status < HTTPStatus.BAD_REQUEST and way.reader != "nobody"]
# Where people look things up, or set them, and no one thing is the one to do.
NOTHING_FOREMOST: Final = frozenset(
    {
        "account.show",
        "connections.create",
        "connections.index",
        "environments.index",
        "published.change",
        "published.finding",
        "published.index",
        "published.report",
        "review_comparisons.item",
        "reviews.change",
        "reviews.finding",
        "reviews.report",
        "sessions.sign_out",
        "account.leave",
        "workspaces.make_token",
        "workspaces.show_audit",
        "workspaces.show",
    }
)
GRAVE: Final = {"moderate", "serious", "critical"}
AXE: Final = Axe()
# Nobody looks, so that the page does not change under the check.
_NOBODY_LOOKS: Final = "Object.defineProperty(document, 'hidden', { get: () => true });"
_UNFOLD: Final = "for (const each of document.querySelectorAll('details')) each.open = true;"
_SIDEWAYS: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="session")
def site() -> Flask:
    """The app for its routes alone; nothing is connected to for them."""
    return build_web_app(
        Settings(database_url="postgresql://", temporal_address="nowhere:1", secret_key=STRONG_KEY)
    )


@pytest.fixture(scope="session")
def things(system: System) -> Things:
    return Things(system)


def arrive(way: Way, people: People, things: Things, site: Flask, **options: Any) -> tuple[Page, Watch]:
    """Go a way, and make sure that it led to the page it is for and was answered as it should be."""
    page, watch = people.page(
        _reader(way, people), fresh=way.reader == "somebody", reduced_motion="reduce", **options
    )
    if options.get("java_script_enabled", True):
        page.add_init_script(_NOBODY_LOOKS)
        if way.is_sandboxed:
            page.route("**/report/*.html", _out_of_its_sandbox)
    watch.expect(way.status)
    way.go(page, things)
    page.wait_for_load_state()
    (answer,) = [each for each in watch.answers if each.request.is_navigation_request()][-1:]
    found, _ = site.url_map.bind("").match(urlsplit(answer.url).path, method=answer.request.method)
    assert (found, answer.status) == (way.endpoint, way.status)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page, watch


def _out_of_its_sandbox(route: Route) -> None:
    answer = route.fetch()
    headers = {name: value for name, value in answer.headers.items() if name != "content-security-policy"}
    route.fulfill(response=answer, headers=headers)


def _reader(way: Way, people: People) -> Person | None:
    if way.reader == "somebody":
        return people.add(Role.OWNER)
    return {"owner": people.owner, "customer": people.customer}.get(way.reader)


def grave_violations(page: Page, figures: Counter[str]) -> list[str]:
    """Check a page as it stands, and return what is moderate or worse, with where it is."""
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    figures["checks"] += 1
    figures["violations"] += len(found)
    figures.update(f"{violation['impact']} violations" for violation in found)
    return [
        f"{violation['impact']}: {violation['help']}: {node['target']} {node['html'][:160]}"
        for violation in found
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


def troubles_of_reading(page: Page, figures: Counter[str]) -> list[str]:
    """Check a page in every light and width, with all that it folds open."""
    page.evaluate(_UNFOLD)
    page.evaluate(AXE.axe_script)
    troubles = []
    for width in WIDTHS:
        for light in LIGHTS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=light)
            troubles += [f"{width} {light}: {each}" for each in grave_violations(page, figures)]
        sideways = page.evaluate(_SIDEWAYS)
        troubles += [f"{width}: it scrolls {sideways} px sideways"] if sideways > 0 else []
    return troubles


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_page_can_be_read_by_everybody(
    way: Way, people: People, things: Things, site: Flask, figures: Counter[str]
) -> None:
    page, watch = arrive(way, people, things, site)
    figures["pages"] += 1
    assert watch.troubles == []

    assert troubles_of_reading(page, figures) == []


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_page_can_be_read_without_scripts(way: Way, people: People, things: Things, site: Flask) -> None:
    page, _ = arrive(way, people, things, site, java_script_enabled=False)

    assert len(page.locator("body").inner_text()) > 40


@pytest.mark.parametrize("way", SIGNED_IN, ids=str)
def test_a_page_has_one_primary_action_and_that_in_its_header(
    way: Way, people: People, things: Things, site: Flask
) -> None:
    page, _ = arrive(way, people, things, site, java_script_enabled=False)

    primary, in_header = page.locator("main .primary"), page.locator("main header .primary")

    expected = 0 if way.endpoint in NOTHING_FOREMOST else 1
    assert (primary.count(), in_header.count()) == (expected, expected)


def test_every_route_is_visited(site: Flask) -> None:
    rules = {rule.endpoint for rule in site.url_map.iter_rules()}
    routes = {each for each in rules if not each.startswith(("api.", "health."))}
    visited = {way.endpoint for way in WAYS}

    unknown, gone = sorted(routes - visited - NO_PAGES.keys()), sorted({*visited, *NO_PAGES} - routes)
    assert not unknown, f"Say in tests/browser/ways.py how a person comes to {unknown}"
    assert not gone, f"There is no such page any more; take it out of tests/browser/ways.py: {gone}"
    assert not visited & NO_PAGES.keys()
