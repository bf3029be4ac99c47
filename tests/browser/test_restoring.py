"""A restore from its point to its result, by the pages alone."""

from playwright.sync_api import Page, expect

from models.reason_codes import ReasonCode
from services.runs.wording import REASONS
from tests.browser.people import People
from tests.browser.reading import machinery_in
from tests.system import System


def preview(page: Page, mode: str) -> None:
    restore = page.get_by_role("region", name="Restore", exact=True)
    restore.get_by_label("Restore point", exact=True).select_option(label="Before the change")
    restore.get_by_role("radio", name=mode).check()
    restore.get_by_role("button", name="Preview restore").click()


def test_a_restore_is_previewed_executed_and_told(system: System, people: People) -> None:
    repository = system.repository({"a.json": "1", "b.json": "1"})
    repository.tag("release-1")
    repository.commit({"a.json": "2", "c.json": "3"})
    environment = system.environment(repository.url)
    page, _ = people.page(people.owner)
    page.goto(f"/environments/{environment['id']}")

    page.get_by_label("Label").fill("Before the change")
    page.get_by_role("region", name="Restore", exact=True).get_by_label("Version").fill("release-1")
    page.get_by_role("button", name="Create restore point").click()
    expect(page.locator("#restore-points + .lines")).to_contain_text("Before the change")
    preview(page, "Make it exactly so")

    expect(page.locator("[data-changes]")).to_have_attribute("data-changes", "2")
    expect(page.locator("[data-changes] #headline")).to_be_visible()
    items = page.get_by_role("table", name="Planned items").locator("tbody")
    expect(items.get_by_role("row").filter(has_text="a.json")).to_be_visible()
    expect(items.get_by_role("row").filter(has_text="c.json")).to_be_visible()
    assert repository.read("show", "main:a.json") == "2"
    page.get_by_role("button", name="Execute restore").click()

    expect(page.get_by_role("heading", name=REASONS[ReasonCode.RESTORE_APPLIED].title)).to_be_visible()
    result = page.get_by_role("region", name="What was put back")
    expect(result).to_contain_text("1 written")
    expect(result).to_contain_text("1 removed")
    expect(result.locator("code")).to_have_text(repository.read("rev-parse", "main")[:10])
    assert machinery_in(page) == []
    assert repository.read("ls-tree", "--name-only", "main").split() == ["a.json", "b.json"]
    assert repository.read("show", "main:a.json") == "1"
    result.get_by_role("link", name="See the plan").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Before the change")
