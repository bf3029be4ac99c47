import pytest
from sqlalchemy import event, text

from models.access import Role
from models.lifecycle import Outcome, Status
from models.reason_codes import ReasonCode
from services.runs.wording import ENDINGS, REASONS
from tests.page import Part, page_of
from tests.world import COMPOSE, RESTORE, World
from web.ui.states import OF_RUN

FIELDS = ("initiator", "created_after", "created_to")


def _runs(page: Part) -> list[str]:
    rows = page.all("table.runs tbody tr")
    runs = [row.one("a.lead")["href"].removeprefix("/operations/") for row in rows]
    assert [row["id"] for row in rows] == [f"run-{run}" for run in runs]
    return runs


def test_an_empty_list_says_that_nothing_was_asked_for(world: World) -> None:
    page = world.browser(Role.READER).page("/operations")

    assert page.one(".empty")["data-empty"] == "nothing-yet"


def test_a_filtered_list_that_is_empty_says_that_nothing_matches(world: World) -> None:
    world.queued()

    page = world.browser(Role.READER).page("/operations?outcome=failed")

    assert page.one(".empty")["data-empty"] == "no-match"


def test_a_read_that_failed_is_neither(world: World) -> None:
    browser = world.browser(Role.READER)
    with world.database.transaction() as session:
        session.execute(text("ALTER TABLE operation_runs RENAME TO away"))

    answer = browser.get("/operations")

    assert answer.status_code == 503
    assert page_of(answer.text).one(".empty")["data-empty"] == "unread"


def test_somebody_without_a_workspace_is_told_so(world: World) -> None:
    page = world.browser(None).page("/operations")

    assert page.one(".empty")["data-empty"] == "no-workspace"


def test_it_lists_the_newest_first_with_state_words_and_people(world: World) -> None:
    old = world.running()
    world.settle(old, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED, cause="terminated")
    new = world.queued(by="grace@contoso.example")

    page = world.browser(Role.READER).page("/operations")

    assert _runs(page) == [str(new.id), str(old.id)]
    newer, older = page.all("table.runs tbody tr")
    assert newer.one(".state").text == OF_RUN[Status.QUEUED].word
    assert newer.one("th > .say:not(.stale)").text == ENDINGS[Status.QUEUED].title
    assert newer.one(".when .say").text == "by grace@contoso.example"
    assert older.one(".state").text == OF_RUN[Outcome.FAILED].word
    assert older.one("th > .say:not(.stale)").text == REASONS[ReasonCode.REVIEW_NOT_COMPOSED].title


def test_it_shows_nothing_of_another_workspace(world: World) -> None:
    theirs = world.add_workspace("fabrikam", "Fabrikam")
    run = world.queued(environment=world.add_environment("Theirs", theirs))

    mine = world.browser(Role.OWNER).page(f"/operations?environment={run.environment_id}")

    assert _runs(mine) == []
    assert _runs(world.browser(Role.READER, theirs).page("/operations")) == [str(run.id)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=queued", {"queued"}),
        ("status=completed", {"failed", "blocked"}),
        ("outcome=blocked", {"blocked"}),
        (f"type={COMPOSE}", {"queued", "failed"}),
        (f"type={RESTORE}&outcome=failed", set()),
        ("environment=windows-devices", {"failed", "blocked"}),
        ("workspace=contoso", {"queued", "failed", "blocked"}),
        ("workspace=unknown", set()),
        ("initiator=grace@contoso.example", {"blocked"}),
        ("initiator=grace", set()),
        ("created_after=2026-11-17&created_before=2026-11-18", {"queued", "failed", "blocked"}),
        ("created_after=2026-11-18", set()),
        ("created_before=2026-11-17T00:00:00%2B00:00", set()),
        ("q=GRACE", {"blocked"}),
        ("q=portal", {"queued"}),
        ("q=100%25", set()),
        ("q=%00", set()),
        ("q=%ed%a0%80", set()),
        ("q=\\", set()),
    ],
)
def test_the_address_narrows_the_list(world: World, query: str, found: set[str]) -> None:
    failed = world.running()
    world.settle(failed, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    blocked = world.running(RESTORE, restore_plan_id=str(world.plan().id), by="grace@contoso.example")
    world.settle(blocked, Outcome.BLOCKED, ReasonCode.ENVIRONMENT_CHANGED)
    queued = world.queued(environment=world.add_environment("Order portal"))
    names = {str(failed.id): "failed", str(blocked.id): "blocked", str(queued.id): "queued"}

    page = world.browser(Role.READER).page(f"/operations?{query}")

    assert {names[run_id] for run_id in _runs(page)} == found


@pytest.mark.parametrize(
    "query",
    [
        "type=compose",
        "status=done",
        "outcome=ok",
        "created_after=yesterday",
        "created_before=2026-13-01",
        "after=!",
        "after=AAAA",
        "after=%00",
    ],
)
def test_a_value_that_does_not_exist_is_a_clear_error(world: World, query: str) -> None:
    answer = world.browser(Role.READER).get(f"/operations?{query}")

    assert answer.status_code == 422
    assert query.split("=", maxsplit=1)[0] in answer.text


def test_the_filters_by_time_and_person_stand_in_their_fields(world: World) -> None:
    page = world.browser(Role.READER).page("/operations?initiator=ada&created_after=2026-11-17")

    fields = {name: page.one(f'form[role="search"] [name="{name}"]')["value"] for name in FIELDS}
    assert fields == {"initiator": "ada", "created_after": "2026-11-17", "created_to": ""}


def test_pages_follow_each_other_without_gap_or_repeat(world: World) -> None:
    runs = [str(world.queued(ref=f"v{number}").id) for number in range(55)]
    browser = world.browser(Role.READER)

    first = browser.page("/operations?status=queued")
    following = first.one('a[rel="next"]')["href"]
    second = browser.page(following)

    assert _runs(first) + _runs(second) == runs[::-1]
    assert "status=queued" in following
    assert not second.has('a[rel="next"]')


def test_the_number_of_queries_does_not_grow_with_the_list(world: World) -> None:
    browser = world.browser(Role.READER)
    counted: list[str] = []
    event.listen(world.database.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))

    lengths = []
    for number in (0, 12):
        for more in range(number):
            world.queued(ref=f"v{more}")
        counted.clear()
        browser.read("/operations")
        lengths.append(len(counted))

    assert lengths[0] == lengths[1]
