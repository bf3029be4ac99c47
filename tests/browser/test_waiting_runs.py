"""Why a queued run waits, in words that claim no more than is known (section 8)."""

from playwright.sync_api import expect

from tests.browser.people import People
from tests.browser.reading import has_stayed, machinery_in, mark
from tests.system import System

# All that is known is that nobody asked; not that nobody is there.
UNHEARD = "No worker is known to have asked for work in the last minutes."


def test_a_run_without_a_worker_says_so_and_goes_on_once_one_comes(
    idle_system: System, idle_people: People
) -> None:
    run = idle_system.compose(idle_system.environment(idle_system.repository({"a.json": "1"}).url))
    page, _ = idle_people.page(idle_people.owner)
    runs, _ = idle_people.page(idle_people.owner)
    page.goto(f"/operations/{run['id']}")
    runs.goto("/operations")
    row = runs.locator(f"#run-{run['id']}")

    headline = page.get_by_role("region", name="Waiting to start.")
    expect(headline).to_contain_text(UNHEARD)
    expect(headline).to_contain_text("About 1 step of work waits in line")
    expect(row).to_contain_text(UNHEARD)
    assert machinery_in(page) == machinery_in(runs) == []
    mark(page)
    mark(runs)

    with idle_system.worker():
        expect(page.get_by_role("heading", name="The review is ready.")).to_be_visible()
        expect(row).to_contain_text("The review is ready.")

    expect(row).not_to_contain_text("No worker")
    assert has_stayed(page)
    assert has_stayed(runs)
