"""Cancelling as the person who asks for it sees it: a ladder, and where it is too late, words that say so."""

import re

from playwright.sync_api import Locator, Page, expect

from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from services.runs.wording import REASONS, TOO_LATE
from tests.browser.people import People
from tests.browser.reading import has_stayed, mark
from tests.slow_remotes import gate_of, held_restore, silence
from tests.system import Json, System
from web.ui.states import OF_RUN

CANCEL = 'button[form="cancel"]'


def rung(page: Page, label: str) -> Locator:
    ladder = page.get_by_role("region", name="Cancellation").get_by_role("listitem")
    return ladder.filter(has=page.get_by_text(label, exact=True))


def expect_headline(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", name=title)).to_be_visible()


def expect_settled(page: Page, outcome: Outcome) -> None:
    settled = rung(page, "Settled").locator('[data-says="settled"]')
    expect(settled).to_contain_text(OF_RUN[outcome].word.lower())


def ask(page: Page, run: Json) -> None:
    page.goto(f"/operations/{run['id']}")
    page.locator("#act-cancel").click()
    expect(page).to_have_url(re.compile(rf"/operations/{run['id']}/cancellation$"))
    expect(page.locator("header").locator(CANCEL)).to_be_enabled()


def test_a_cancellation_climbs_its_ladder_to_the_end(system: System, people: People) -> None:
    repository = system.repository({"a.json": "1"})
    environment = system.environment(repository.url)
    silence(repository)
    run = system.running(system.compose(environment))
    page, _ = people.page(people.owner)
    ask(page, run)
    expect(page.locator('[data-says="stops-where-safe"]')).to_contain_text(OF_RUN[Outcome.CANCELLED].word)

    page.locator(CANCEL).click()
    expect(page).to_have_url(f"{people.site}/operations/{run['id']}")
    mark(page)

    expect_headline(page, REASONS[ReasonCode.CANCELLED].title)
    for label in ("Asked", "Delivered", "Acknowledged", "Settled"):
        expect(rung(page, label)).to_have_class(re.compile(r"\bdone\b"))
    expect(rung(page, "Asked")).to_contain_text(f"by {people.owner.email}")
    expect_settled(page, Outcome.CANCELLED)
    expect(page.locator('button[aria-describedby="cancel-why-not"]')).to_be_disabled()
    assert has_stayed(page)


def test_what_is_being_pushed_is_not_said_to_be_cancelled(system: System, people: People) -> None:
    repository, _, run = held_restore(system)
    page, _ = people.page(people.owner)
    ask(page, run)
    expect(page.locator('[data-says="no-return"]')).to_contain_text(re.compile(r"\b[0-9a-f]{7}\b"))
    expect(page.locator('[data-says="stops-where-safe"]')).to_have_count(0)

    page.locator(CANCEL).click()

    expect_headline(page, TOO_LATE.title)
    expect(rung(page, "Acknowledged").locator('[data-says="goes-on"]')).to_be_visible()
    expect(rung(page, "Settled").locator('[data-says="not-yet"]')).to_be_visible()
    mark(page)
    gate_of(repository).touch()
    expect_headline(page, REASONS[ReasonCode.RESTORE_APPLIED].title)
    expect(rung(page, "Acknowledged").locator('[data-says="nothing-to-stop"]')).to_be_visible()
    expect_settled(page, Outcome.SUCCEEDED)
    assert has_stayed(page)
    assert repository.read("show", "main:a.json") == "1"
