"""Cancelling as the person who asks for it sees it: a ladder, and where it is too late, words that say so."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.people import People
from tests.browser.reading import has_stayed, mark
from tests.slow_remotes import gate_of, held_restore, silence
from tests.system import Json, System


def rung(page: Page, label: str) -> Locator:
    ladder = page.get_by_role("region", name="Cancellation").get_by_role("listitem")
    return ladder.filter(has=page.get_by_text(label, exact=True))


def ask(page: Page, run: Json) -> None:
    page.goto(f"/operations/{run['id']}")
    page.get_by_role("link", name="Cancel…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cancel this operation?")


def test_a_cancellation_climbs_its_ladder_to_the_end(system: System, people: People) -> None:
    repository = system.repository({"a.json": "1"})
    environment = system.environment(repository.url)
    silence(repository)
    run = system.running(system.compose(environment))
    page, _ = people.page(people.owner)
    ask(page, run)
    expect(page.get_by_role("main")).to_contain_text("it never reads “Cancelled” while it may still act")

    page.get_by_role("button", name="Yes, cancel it").click()
    expect(page).to_have_url(f"{people.site}/operations/{run['id']}")
    mark(page)

    expect(page.get_by_role("heading", name="The operation was cancelled.")).to_be_visible()
    for label in ("Asked", "Delivered", "Acknowledged", "Settled"):
        expect(rung(page, label)).to_have_class(re.compile(r"\bdone\b"))
    expect(rung(page, "Asked")).to_contain_text(f"by {people.owner.email}")
    expect(rung(page, "Settled")).to_contain_text("as cancelled")
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_disabled()
    assert has_stayed(page)


def test_what_is_being_pushed_is_not_said_to_be_cancelled(system: System, people: People) -> None:
    repository, _, run = held_restore(system)
    page, _ = people.page(people.owner)
    ask(page, run)
    warning = page.get_by_text(re.compile(r"Commit \w{7} is already pushed or being pushed"))
    expect(warning).to_contain_text("cancelling cannot undo it")

    page.get_by_role("button", name="Yes, cancel it").click()

    expect(page.get_by_role("heading", name="Somebody asked to cancel this, too late")).to_be_visible()
    expect(rung(page, "Acknowledged")).to_contain_text("the work goes on to its end")
    expect(rung(page, "Settled")).to_contain_text("not yet")
    mark(page)
    gate_of(repository).touch()
    expect(page.get_by_role("heading", name="The restore is done.")).to_be_visible()
    expect(rung(page, "Acknowledged")).to_contain_text("there was nothing left to stop")
    expect(rung(page, "Settled")).to_contain_text("as succeeded")
    assert has_stayed(page)
    assert repository.read("show", "main:a.json") == "1"
