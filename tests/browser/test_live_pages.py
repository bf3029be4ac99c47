"""Pages follow what happens by themselves, and leave the network alone while nothing does."""

import re
from collections.abc import Sequence
from itertools import pairwise

from playwright.sync_api import Page, Response, expect

from models.reason_codes import ReasonCode
from services.runs.wording import REASONS
from tests.browser.people import People
from tests.browser.reading import has_stayed, mark
from tests.slow_remotes import silence, speak
from tests.system import MANY, System
from web.runs.workflow_steps import LABELS, UNDER_WAY

LATEST_RUN, LATEST_LIST = 10, 15  # seconds between two looks at what does not change, as the scripts have it
LOOKS = 6


def look(page: Page, path: str, seconds: int) -> Response:
    """Let time pass on the page until it looks again, and return what it got."""
    with page.expect_response(lambda answer: path in answer.url) as answer:
        page.clock.fast_forward(seconds * 1000)
    return answer.value


def assert_nothing_is_sent_twice(answers: Sequence[Response]) -> None:
    told = [_lasting(answer.text()) for answer in answers if answer.status == 200]
    assert all(before != after for before, after in pairwise(told))
    assert {answer.status for answer in answers} <= {200, 304}


def _lasting(body: str) -> str:
    """Leave out what passes with the time alone."""
    return re.sub(r"<(time|span) data-(?:checked|since)=[^>]*>[^<]*</\1>", "", body)


def test_the_list_and_a_runs_page_change_by_themselves(system: System, people: People) -> None:
    repository = system.repository(MANY)
    environment = system.environment(repository.url)
    silence(repository)
    runs, list_watch = people.page(people.owner)
    runs.goto(f"/operations?environment={environment['id']}")
    expect(runs.locator('[data-empty="no-match"]').get_by_role("heading")).to_be_visible()
    mark(runs)

    run = system.running(system.compose(environment))
    row = runs.locator(f"#run-{run['id']}")
    expect(row).to_contain_text("Running")
    page, run_watch = people.page(people.owner)
    page.goto(f"/operations/{run['id']}")
    expect(page).to_have_title(re.compile(r"^Running: "))
    work = page.get_by_role("region", name="The work, step by step")
    expect(work.get_by_role("listitem")).to_contain_text([LABELS["collect_evidence"]])
    expect(work).to_contain_text(UNDER_WAY.word)
    mark(page)
    speak(repository)

    expect(page.get_by_role("heading", name=REASONS[ReasonCode.REVIEW_COMPOSED].title)).to_be_visible()
    expect(page).to_have_title(re.compile(r"^Succeeded: "))
    expect(row).to_contain_text("Succeeded")
    expect(work.get_by_role("listitem")).to_contain_text(
        [LABELS["collect_evidence"], LABELS["compose_review"]]
    )
    expect(work).not_to_contain_text(UNDER_WAY.word)
    assert has_stayed(page)
    assert has_stayed(runs)
    assert_nothing_is_sent_twice(list_watch.answers_of("/operations/fragment"))
    assert_nothing_is_sent_twice(run_watch.answers_of(f"/operations/{run['id']}/fragment"))


def test_a_page_of_a_run_that_goes_on_is_told_nothing_twice(system: System, people: People) -> None:
    repository = system.repository({"a.json": "1"})
    environment = system.environment(repository.url)
    silence(repository)
    run = system.running(system.compose(environment))
    page, _ = people.page(people.owner)
    page.clock.install()
    page.goto(f"/operations/{run['id']}")

    answers = [look(page, f"/{run['id']}/fragment", LATEST_RUN) for _ in range(LOOKS)]

    assert_nothing_is_sent_twice(answers)
    assert [answer.status for answer in answers[2:]] == [304] * (LOOKS - 2)
    speak(repository)
    system.settled(run)


def test_a_list_in_which_nothing_happens_is_told_nothing_twice(system: System, people: People) -> None:
    environment = system.environment(system.repository({"a.json": "1"}).url)
    run = system.settled(system.compose(environment))
    page, watch = people.page(people.owner)
    page.clock.install()
    page.goto(f"/operations?environment={environment['id']}")
    expect(page.locator(f"#run-{run['id']}")).to_be_visible()

    answers = [look(page, "/operations/fragment", LATEST_LIST) for _ in range(LOOKS)]

    assert_nothing_is_sent_twice(answers)
    assert [answer.status for answer in answers[1:]] == [304] * (LOOKS - 1)
    before = len(watch.answers)
    page.clock.fast_forward(LATEST_LIST * 1000 // 2)
    assert len(watch.answers) == before


def test_the_page_of_a_run_that_has_ended_asks_for_nothing_more(system: System, people: People) -> None:
    run = system.settled(system.compose(system.environment(system.repository({"a.json": "1"}).url)))
    page, watch = people.page(people.owner)
    page.clock.install()
    page.goto(f"/operations/{run['id']}")
    expect(page.locator("#run")).to_have_attribute("data-completed", "true")
    fragment = f"/operations/{run['id']}/fragment"
    before = len(watch.answers_of(fragment))

    for _ in range(LOOKS):
        page.clock.fast_forward(LATEST_RUN * 1000)

    assert len(watch.answers_of(fragment)) == before
