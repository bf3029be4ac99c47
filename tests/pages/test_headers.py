"""The header of a page holds its one primary action, and nothing else on the page is one."""

import re
from typing import Any

import pytest

from models.access import Role
from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from models.reconciliation import Related
from tests.clients import Browser
from tests.factories import correlation_of
from tests.runs.viewer.test_bulk import choose, do
from tests.world import RESTORE, World

HEADER = re.compile(r'<header class="head(?: stacked)?">(.*?)</header>', re.DOTALL)
PRIMARY = re.compile(r'<(?:a|button)[^>]*class="(?:button )?primary"[^>]*>([^<]+)<')


def ended(world: World, outcome: Outcome) -> str:
    run = world.running()
    world.engine.close(correlation_of(run).workflow_id, "terminated")
    world.settle(run, outcome, ReasonCode.REVIEW_NOT_COMPOSED, cause="terminated")
    return f"/operations/{run.id}"


def corrected(world: World) -> str:
    review = world.review()
    run = world.running()
    related = Related(type="environment_review", id=review.id)
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    world.settle(run, Outcome.SUCCEEDED, ReasonCode.REVIEW_ALREADY_COMPOSED, related)
    return f"/operations/{run.id}"


def held_back(world: World) -> str:
    run = world.running(RESTORE, restore_plan_id=str(world.plan().id))
    world.settle(run, Outcome.BLOCKED, ReasonCode.ENVIRONMENT_CHANGED, changed_items=["policies/a.json"])
    return f"/operations/{run.id}"


PAGES: dict[str, tuple[Any, str]] = {
    "list": (lambda _: "/operations", "Start an operation"),
    "queued": (lambda world: f"/operations/{world.queued().id}", "Check now"),
    "running": (lambda world: f"/operations/{world.running().id}", "Check now"),
    "succeeded": (lambda world: f"/operations/{world.review().run_id}", "Open the review"),
    "corrected": (corrected, "Open the review"),
    "failed": (lambda world: ended(world, Outcome.FAILED), "Run it again"),
    "blocked": (lambda world: ended(world, Outcome.BLOCKED), "Run it again"),
    # Its plan would be held back again.
    "held back": (held_back, "Check now"),
    "cancelled": (lambda world: ended(world, Outcome.CANCELLED), "Run it again"),
    "attention required": (lambda world: ended(world, Outcome.ATTENTION_REQUIRED), "Check now"),
    "cancellation": (lambda world: f"/operations/{world.running().id}/cancellation", "Yes, cancel it"),
}


def primaries(page: str) -> tuple[list[str], list[str]]:
    """Return the primary actions of a page's header, and those of the whole page."""
    header = HEADER.search(page)
    assert header
    return PRIMARY.findall(header[1]), PRIMARY.findall(page)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", [Role.OWNER, Role.OPERATOR])
def test_a_header_has_exactly_one_primary_action(world: World, role: Role, page: str) -> None:
    path, action = PAGES[page]

    assert primaries(world.browser(role).read(path(world))) == ([action], [action])


@pytest.mark.parametrize("page", [name for name in PAGES if name != "list"])
def test_a_reader_sees_it_too_greyed_where_they_may_not(world: World, page: str) -> None:
    path, action = PAGES[page]

    text = world.browser(Role.READER).read(path(world))

    assert primaries(text) == ([action], [action])
    if action != "Open the review":
        assert re.search(
            rf'<button[^>]*class="primary"[^>]* disabled aria-describedby="[^"]+"[^>]*>{action}', text
        )


def test_a_reader_of_the_list_has_nothing_to_start(world: World) -> None:
    assert primaries(world.browser(Role.READER).read("/operations")) == ([], [])


def test_the_pages_between_have_one_as_well(world: World) -> None:
    run = world.running()
    world.engine.close(correlation_of(run).workflow_id, "terminated")
    browser: Browser = world.browser(Role.OPERATOR)
    path = f"/operations/{run.id}"

    check = browser.submit(f"{path}/check", page=path).text
    chosen, done = choose(browser, "check", run.id).text, do(browser, "check", run.id).text

    assert primaries(check) == (["Settle it so"], ["Settle it so"])
    assert primaries(chosen) == (["Yes, check them"], ["Yes, check them"])
    assert primaries(done) == (["Back to the list"], ["Back to the list"])
