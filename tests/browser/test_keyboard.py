"""Everything can be done by the keyboard alone, and one sees where one is."""

import re

from playwright.sync_api import Locator, Page, expect

from models.reason_codes import ReasonCode
from services.runs.wording import REASONS
from tests.browser.people import PASSWORD, People
from tests.slow_remotes import silence
from tests.system import System, wait_for

STOPS = 80
# Where a part of a date's field has the focus, the browser outlines that part itself.
_IS_SEEN = """() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const across = box.width > 0 && box.right > 0 && box.left < innerWidth;
  const along = box.height > 0 && box.bottom > 0 && box.top < innerHeight;
  return (outlined || !element.matches(":focus")) && across && along;
}"""


def tab_to(page: Page, target: Locator) -> None:
    """Press the tab key until a thing has the focus; each stop on the way is outlined and in sight."""
    expect(target).to_be_visible()
    for _ in range(STOPS):
        page.keyboard.press("Tab")
        where = page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        # A live page may be about to draw itself when the key comes.
        wait_for(lambda: page.evaluate(_IS_SEEN), what=f"the focus to be seen on {where}", patience=5)
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{target} is not reached by the keyboard")


def test_a_person_signs_in_opens_a_run_and_cancels_it_by_the_keyboard(system: System, people: People) -> None:
    repository = system.repository({"a.json": "1"})
    environment = system.environment(repository.url)
    silence(repository)
    owner = people.owner
    page, watch = people.page(None)
    watch.expect(401)
    page.goto(f"/operations?environment={environment['id']}")

    tab_to(page, page.get_by_label("E-mail address"))
    page.keyboard.type(owner.email)
    tab_to(page, page.get_by_label("Password"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Operations")
    run = system.running(system.compose(environment))
    tab_to(page, page.locator(f"#run-{run['id']}").get_by_role("link", name="Environment review"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{people.site}/operations/{run['id']}")
    tab_to(page, page.get_by_role("link", name="Cancel…"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Yes, cancel it"))
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name=REASONS[ReasonCode.CANCELLED].title)).to_be_visible()
    expect(page).to_have_title(re.compile(r"^Cancelled: "))


def test_the_first_stop_leads_past_the_navigation(people: People) -> None:
    page, _ = people.page(people.owner)
    page.goto("/operations")

    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")

    expect(page.get_by_role("main")).to_be_focused()
