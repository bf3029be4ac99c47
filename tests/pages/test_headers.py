"""The header of a page holds its one primary action, and nothing else on the page is one."""

from typing import Any

import pytest

from models.access import Role
from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from models.reconciliation import Related
from tests.clients import Browser
from tests.factories import correlation_of
from tests.page import Part, page_of
from tests.runs.viewer.test_bulk import choose, do
from tests.world import RESTORE, World
from web.runs.check_page import SETTLE

CHECK, AGAIN, OPEN = "#act-check", "#act-again", '[data-opens="environment_review"]'


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
    "list": (lambda _: "/operations", '[href="/environments"]'),
    "queued": (lambda world: f"/operations/{world.queued().id}", CHECK),
    "running": (lambda world: f"/operations/{world.running().id}", CHECK),
    "succeeded": (lambda world: f"/operations/{world.review().run_id}", OPEN),
    "corrected": (corrected, OPEN),
    "failed": (lambda world: ended(world, Outcome.FAILED), AGAIN),
    "blocked": (lambda world: ended(world, Outcome.BLOCKED), AGAIN),
    # Its plan would be held back again.
    "held back": (held_back, CHECK),
    "cancelled": (lambda world: ended(world, Outcome.CANCELLED), AGAIN),
    "attention required": (lambda world: ended(world, Outcome.ATTENTION_REQUIRED), CHECK),
    "cancellation": (lambda world: f"/operations/{world.running().id}/cancellation", '[form="cancel"]'),
}


def primary(page: Part, action: str) -> Part:
    """Return the one primary action of a page, which is the given one of its header."""
    assert page.has(f"header.head {action}.primary")
    return page.one(".primary")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", [Role.OWNER, Role.OPERATOR])
def test_a_header_has_exactly_one_primary_action(world: World, role: Role, page: str) -> None:
    path, action = PAGES[page]

    assert primary(world.browser(role).page(path(world)), action).text


@pytest.mark.parametrize("page", [name for name in PAGES if name != "list"])
def test_a_reader_sees_it_too_greyed_where_they_may_not(world: World, page: str) -> None:
    path, action = PAGES[page]

    text = world.browser(Role.READER).page(path(world))

    shown = primary(text, action)
    assert shown.text
    if action != OPEN:
        assert text.has(f"button{action}.primary[disabled]")
        assert text.has(f"#{shown['aria-describedby']}")


def test_a_reader_of_the_list_has_nothing_to_start(world: World) -> None:
    page = world.browser(Role.READER).page("/operations")

    assert page.has("header.head")
    assert not page.has(".primary")


def test_the_pages_between_have_one_as_well(world: World) -> None:
    run = world.running()
    world.engine.close(correlation_of(run).workflow_id, "terminated")
    browser: Browser = world.browser(Role.OPERATOR)
    path = f"/operations/{run.id}"

    check = page_of(browser.submit(f"{path}/check", page=path).text)
    chosen, done = (page_of(step(browser, "check", run.id).text) for step in (choose, do))

    assert primary(check, '[form="settle"]').text == SETTLE
    assert primary(chosen, '[form="deed"][data-deed="check"]').text
    assert primary(done, '[href="/operations"]').text
