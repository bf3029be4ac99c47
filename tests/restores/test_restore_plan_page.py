import re

from models.access import Role
from tests.factories import planned
from tests.world import RESTORE, World

CHANGES = [
    planned("policies/same.json", "unchanged"),
    planned("policies/bad.json", "refused", "Not valid JSON (line 3)."),
    planned("policies/gone.json", "delete"),
    planned("policies/back.json", "create"),
    planned("policies/other.json", "update"),
]


def _paths(page: str) -> list[str]:
    return re.findall(r'<code class="path">policies/([^<]+)\.json', page)


def test_it_counts_and_shows_what_would_change_first(world: World) -> None:
    page = world.browser(Role.READER).read(f"/restore-plans/{world.plan(CHANGES).id}")

    assert "This restore would change 3 items." in page
    assert _paths(page) == ["back", "other", "gone", "bad", "same"]
    assert "Not valid JSON (line 3)." in page
    assert "91ab91ab91" in page


def test_one_kind_of_change_can_be_looked_at_alone(world: World) -> None:
    page = world.browser(Role.READER).read(f"/restore-plans/{world.plan(CHANGES).id}?change=delete")

    assert _paths(page) == ["gone"]


def test_a_large_plan_is_paged_without_gap_or_repeat(world: World) -> None:
    plan = world.plan([planned(f"policies/{number:04}.json", "update") for number in range(450)])
    browser = world.browser(Role.READER)
    found: list[str] = []
    path: str | None = f"/restore-plans/{plan.id}?change=update"

    while path:
        page = browser.read(path)
        found += _paths(page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        path = following[1].replace("&amp;", "&") if following else None

    assert found == [f"{number:04}" for number in range(450)]


def test_executing_starts_the_restore_and_leads_to_it(world: World) -> None:
    plan = world.plan()
    browser = world.browser(Role.OPERATOR)
    here = f"/restore-plans/{plan.id}"

    answer = browser.submit(f"{here}/execute", page=here)

    assert answer.status_code == 303
    assert [start.workflow_type for start in world.engine.starts] == [RESTORE]
    assert f'href="{here}"' in browser.read(answer.headers["Location"])


def test_a_second_restore_is_refused_and_the_first_is_named(world: World) -> None:
    first = world.running(RESTORE, restore_plan_id=str(world.plan().id))
    here = f"/restore-plans/{world.plan().id}"

    answer = world.browser(Role.OPERATOR).submit(f"{here}/execute", page=here)

    assert answer.status_code == 409
    assert f'href="/operations/{first.id}"' in answer.text
    assert world.engine.starts == []


def test_a_reader_sees_the_button_greyed_with_the_reason(world: World) -> None:
    page = world.browser(Role.READER).read(f"/restore-plans/{world.plan().id}")

    greyed = '<button class="primary" form="execute" disabled aria-describedby="execute-why-not">'
    assert f"{greyed}Execute restore" in page
    assert "Your role here (reader) may not" in page
