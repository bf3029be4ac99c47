"""What belongs to another workspace is told apart from what is not there by nobody."""

import re
from uuid import uuid4

from playwright.sync_api import Page

from models.access import Role
from tests.browser.people import People
from tests.system import System


def _answer(page: Page, path: str) -> tuple[int, str]:
    answer = page.goto(path)
    assert answer is not None
    return answer.status, re.sub(r'name="csrf_token" value="[^"]+"', "", page.content())


def test_a_foreign_run_is_answered_as_a_missing_one(system: System, people: People) -> None:
    run = system.settled(system.compose(system.environment(system.repository({"a.json": "1"}).url)))
    page, watch = people.page(people.add(Role.OWNER, "fabrikam"))
    watch.expect(404)

    for path in ("", "/cancellation", "/fragment", "/evidence.json"):
        foreign = _answer(page, f"/operations/{run['id']}{path}")
        missing = _answer(page, f"/operations/{uuid4()}{path}")
        assert foreign == missing
        assert foreign[0] == 404
        assert "There is nothing here." in foreign[1]
