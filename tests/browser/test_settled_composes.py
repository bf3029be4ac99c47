"""A compose that its workflow could not settle is shown calmly, with what it led to (section 8)."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from models.lifecycle import Outcome, Status
from models.reason_codes import ReasonCode
from services.runs.wording import CAUSES, ENDINGS, REASONS
from tests.browser.people import People
from tests.browser.reading import has_stayed, machinery_in, mark
from tests.slow_remotes import silence
from tests.system import System
from tests.temporal_cli import TemporalCli
from web.runs.receipt import SOURCES
from web.ui.states import OF_RUN


def expect_headline(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", name=title)).to_be_visible()


def compose(page: Page, environment_id: str, version: str = "") -> None:
    """Ask for a review on an environment's page; the run's page opens."""
    page.goto(f"/environments/{environment_id}")
    review = page.get_by_role("region", name="Review", exact=True)
    review.get_by_label("Version").fill(version)
    review.get_by_role("button", name="Compose from this version").click()
    expect(page).to_have_url(re.compile(r"/operations/[0-9a-f-]{36}$"))


def test_a_terminated_compose_is_told_in_calm_words(system: System, people: People) -> None:
    repository = system.repository({"a.json": "1"})
    environment = system.environment(repository.url)
    silence(repository)
    page, _ = people.page(people.owner)
    compose(page, environment["id"])
    expect_headline(page, ENDINGS[Status.RUNNING].title)
    mark(page)

    run_id = urlsplit(page.url).path.rpartition("/")[2]
    TemporalCli(system).terminate(f"operation-run.v1.environment.review.compose.{run_id}")

    wording = REASONS[ReasonCode.REVIEW_NOT_COMPOSED]
    expect_headline(page, wording.title)
    assert has_stayed(page)
    headline = page.get_by_role("region", name=wording.title)
    expect(headline).to_contain_text(CAUSES["terminated"].happened)
    expect(headline).to_contain_text(wording.body)
    expect(page.get_by_role("region", name="How it was settled")).to_contain_text(SOURCES["sweep"])
    expect(page.locator("#agreement")).to_be_visible()
    expect(page.get_by_role("button", name="Run it again")).to_be_enabled()
    expect(page.locator("details#technical-details")).not_to_have_attribute("open", "")
    assert machinery_in(page) == []


def test_a_review_that_exists_already_is_one_step_away(system: System, people: People) -> None:
    repository = system.repository({"a.json": '{"minimum": 8}'})
    repository.tag("release-1")
    environment = system.environment(repository.url)
    page, _ = people.page(people.owner)
    compose(page, environment["id"])
    expect_headline(page, REASONS[ReasonCode.REVIEW_COMPOSED].title)

    compose(page, environment["id"], "release-1")

    expect_headline(page, REASONS[ReasonCode.REVIEW_ALREADY_COMPOSED].title)
    settled = page.get_by_role("region", name="How it was settled")
    expect(settled).to_contain_text(OF_RUN[Outcome.SUCCEEDED].word)
    assert machinery_in(page) == []
    (review,) = system.get("/reviews", environment=environment["id"])["items"]
    page.locator(".actions a.button.primary").click()
    expect(page).to_have_url(f"{people.site}/reviews/{review['id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Review of {environment['name']}")
    page.get_by_role("link", name="The operation that composed it").click()
    expect_headline(page, REASONS[ReasonCode.REVIEW_COMPOSED].title)
