"""What a customer finds: reviews that were published, and no trace of anything else."""

import json
from io import BytesIO
from zipfile import ZipFile

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import People
from tests.browser.reading import machinery_in
from tests.system import Json, System
from web.error_pages import PAGES


@pytest.fixture
def reviews(system: System) -> tuple[Json, str, str]:
    """An environment with a published review and, of what is live since, a draft."""
    repository = system.repository({"policies/a.json": '{"minimum": 8}'})
    environment = system.environment(repository.url)
    published = _composed(system, environment)
    system.post(f"/reviews/{published}/publish", {}, expect=200)
    repository.commit({"policies/a.json": '{"minimum": 12}'})
    return environment, published, _composed(system, environment)


def _composed(system: System, environment: Json) -> str:
    review_id: str = system.settled(system.compose(environment))["links"]["related"]["id"]
    return review_id


def address_of(page: Page, name: str) -> str:
    address = page.get_by_role("link", name=name).get_attribute("href")
    assert address is not None
    return address


def test_a_customer_reads_and_downloads_what_was_published(
    people: People, reviews: tuple[Json, str, str]
) -> None:
    environment, published, _ = reviews
    page, _ = people.page(people.customer)

    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Published reviews")
    expect(page.get_by_role("navigation", name="Main").get_by_role("link")).to_have_text(["Published"])
    page.get_by_role("link", name=environment["name"], exact=True).click()
    expect(page).to_have_url(f"{people.site}/published/{published}")
    assert machinery_in(page) == []

    pdf = page.request.get(address_of(page, "Executive report, PDF"))
    assert (pdf.status, pdf.headers["content-type"]) == (200, "application/pdf")
    assert pdf.body().startswith(b"%PDF-")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download pack").click()
    with ZipFile(BytesIO(download.value.path().read_bytes())) as pack:
        assert pack.testzip() is None
        assert json.loads(pack.read("manifest.json"))
    page.get_by_role("link", name="Executive report, page").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(environment["name"])


def test_what_was_not_published_is_not_there_for_a_customer(
    people: People, reviews: tuple[Json, str, str]
) -> None:
    environment, published, draft = reviews
    page, watch = people.page(people.customer)
    watch.expect(404)
    page.goto("/published")
    expect(page.get_by_role("main")).not_to_contain_text(draft)

    for path in (
        f"/reviews/{draft}",
        f"/reviews/{published}",
        f"/published/{draft}",
        f"/published/{draft}/report/executive.html",
        f"/published/{draft}/pack.zip",
        f"/environments/{environment['id']}",
    ):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 404, path
        expect(page.locator('[data-error="404"]')).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_have_text(PAGES["404"].title)
