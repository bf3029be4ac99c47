import re

from models.access import Role
from models.actor import Actor
from models.catalog import Capability
from services.access.principals import Principal
from tests.factories import planned
from tests.page import Part, page_of
from tests.world import RESTORE, World
from web.ui.navigation import why_not

CHANGES = [
    planned("policies/same.json", "unchanged"),
    planned("policies/bad.json", "refused", "Not valid JSON (line 3)."),
    planned("policies/gone.json", "delete"),
    planned("policies/back.json", "create"),
    planned("policies/other.json", "update"),
]


def _paths(page: Part) -> list[str]:
    """Return the names of the items, in the order in which they are shown."""
    shown = [re.fullmatch(r"policies/(.+)\.json", path) for path in page.texts("code.path")]
    return [path[1] for path in shown if path]


def test_it_counts_and_shows_what_would_change_first(world: World) -> None:
    page = world.browser(Role.READER).page(f"/restore-plans/{world.plan(CHANGES).id}")

    assert page.one("[data-changes]")["data-changes"] == "3"
    assert _paths(page) == ["back", "other", "gone", "bad", "same"]
    assert page.texts("th .say") == ["Not valid JSON (line 3)."]
    assert "91ab91ab91" in page.texts('[aria-labelledby="facts"] code')


def test_one_kind_of_change_can_be_looked_at_alone(world: World) -> None:
    page = world.browser(Role.READER).page(f"/restore-plans/{world.plan(CHANGES).id}?change=delete")

    assert _paths(page) == ["gone"]


def test_a_large_plan_is_paged_without_gap_or_repeat(world: World) -> None:
    plan = world.plan([planned(f"policies/{number:04}.json", "update") for number in range(450)])
    browser = world.browser(Role.READER)
    found: list[str] = []
    path: str | None = f"/restore-plans/{plan.id}?change=update"

    while path:
        page = browser.page(path)
        found += _paths(page)
        path = page.one('[rel="next"]')["href"] if page.has('[rel="next"]') else None

    assert found == [f"{number:04}" for number in range(450)]


def test_executing_starts_the_restore_and_leads_to_it(world: World) -> None:
    plan = world.plan()
    browser = world.browser(Role.OPERATOR)
    here = f"/restore-plans/{plan.id}"

    answer = browser.submit(f"{here}/execute", page=here)

    assert answer.status_code == 303
    assert [start.workflow_type for start in world.engine.starts] == [RESTORE]
    assert browser.page(answer.headers["Location"]).has(f'a[href="{here}"]')


def test_a_second_restore_is_refused_and_the_first_is_named(world: World) -> None:
    first = world.running(RESTORE, restore_plan_id=str(world.plan().id))
    here = f"/restore-plans/{world.plan().id}"

    answer = world.browser(Role.OPERATOR).submit(f"{here}/execute", page=here)

    assert answer.status_code == 409
    assert page_of(answer.text).has(f'[role="alert"] a[href="/operations/{first.id}"]')
    assert world.engine.starts == []


def test_a_reader_sees_the_button_greyed_with_the_reason(world: World) -> None:
    page = world.browser(Role.READER).page(f"/restore-plans/{world.plan().id}")

    reader = Principal(actor=Actor(kind="user", name="reader"), roles={world.workspace.id: Role.READER})
    reason = why_not(reader, world.workspace.id, Capability.OPERATIONS_ACT)
    assert reason
    assert f"({Role.READER})" in reason
    assert page.has('button.primary[disabled][form="execute"][aria-describedby="execute-why-not"]')
    assert page.one("#execute-why-not").text == reason
