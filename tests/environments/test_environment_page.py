import pytest

from models.access import Role
from models.actor import Actor
from models.catalog import Capability
from models.environment import Environment
from models.errors import Conflict
from models.lifecycle import Status
from models.reason_codes import ReasonCode
from models.restore import RestorePlan
from services.access.principals import Principal
from services.restores.points import RestorePoints
from services.runs.wording import ENDINGS, REASONS
from tests.git_repository import make_repository
from tests.page import page_of
from tests.world import COMPOSE, World
from web.ui.navigation import why_not

POINT = '[name="restore_point_id"] option'


@pytest.fixture
def live(world: World) -> Environment:
    """An environment whose repository is a real one, with two items under its folder."""
    files = {"policies/a.json": '{"a": 1}', "policies/b.json": '{"b": 1}', "README.md": "not an item"}
    folder = make_repository(world.folder / "configuration", files)
    return world.add_environment("Live", repository_url=str(folder), path_prefix="policies", branch="main")


def test_the_list_shows_the_environments_of_each_workspace(world: World) -> None:
    page = world.browser(Role.READER).page("/environments")

    workspace = page.one(f'[aria-labelledby="workspace-{world.workspace.id}"]')
    assert workspace.one("h2").text == "Contoso"
    assert workspace.one(f'a[href="/environments/{world.environment.id}"]').text == "Windows devices"


def test_an_environment_shows_its_facts_runs_and_reviews(world: World) -> None:
    review = world.review()

    page = world.browser(Role.READER).page(f"/environments/{world.environment.id}")

    assert page.facts("main")["Repository"] == "https://git.contoso.example/configuration.git"
    assert page.has(f'a[href="/reviews/{review.id}"]')
    assert page.has(f'[aria-labelledby="recent"] a[href="/operations/{review.run_id}"]')


def test_composing_starts_one_run_and_leads_to_it(world: World) -> None:
    browser = world.browser(Role.OPERATOR)
    here = f"/environments/{world.environment.id}"

    first = browser.submit(f"{here}/reviews", page=here, ref="v2")
    second = browser.submit(f"{here}/reviews", page=here, ref="v2")

    assert first.status_code == 303
    assert second.headers["Location"] == first.headers["Location"]
    assert [
        (start.workflow_type, start.operation_input.model_dump()["ref"]) for start in world.engine.starts
    ] == [(COMPOSE, "v2")]
    assert browser.page(first.headers["Location"]).one("#headline").text == ENDINGS[Status.QUEUED].title


def test_a_version_that_cannot_be_is_refused_beside_its_field_and_kept(world: World) -> None:
    here = f"/environments/{world.environment.id}"

    answer = world.browser(Role.OPERATOR).submit(f"{here}/reviews", page=here, ref="v" * 300)

    assert answer.status_code == 422
    page = page_of(answer.text)
    assert page.refusal("compose-ref")
    assert page.one("#compose-ref")["value"] == "v" * 300
    assert world.engine.starts == []


def test_a_reader_sees_what_they_may_not_do_and_why(world: World) -> None:
    world.plan()

    page = world.browser(Role.READER).page(f"/environments/{world.environment.id}")

    reader = Principal(actor=Actor(kind="user", name="reader"), roles={world.workspace.id: Role.READER})
    reason = why_not(reader, world.workspace.id, Capability.OPERATIONS_ACT)
    assert reason
    assert f"({Role.READER})" in reason
    assert page.texts('[id$="-why-not"]') == [reason] * 4
    for action in ("compose-now", "compose", "restore_plan", "restore_point"):
        assert page.has(f'button[disabled][aria-describedby="{action}-why-not"]')
    assert page.has('button.primary[disabled][form="compose-now"]')


def test_a_restore_point_is_pinned_and_listed(world: World, live: Environment) -> None:
    browser = world.browser(Role.OPERATOR)
    here = f"/environments/{live.id}"

    answer = browser.submit(f"{here}/restore-points", page=here, label="Before the move", ref="main")

    assert answer.status_code == 303
    page = browser.page(here)
    assert page.texts("#restore-points + .lines .lead") == page.texts(POINT) == ["Before the move"]


def test_a_restore_point_of_no_version_is_refused_beside_its_field(world: World, live: Environment) -> None:
    here = f"/environments/{live.id}"

    answer = world.browser(Role.OPERATOR).submit(
        f"{here}/restore-points", page=here, label="Kept <as> typed", ref="no-such"
    )

    assert answer.status_code == 422
    assert page_of(answer.text).refusal("restore_point-ref")
    assert page_of(answer.text).one("#restore_point-label")["value"] == "Kept <as> typed"


def test_a_label_that_is_taken_is_said_on_the_form(world: World, live: Environment) -> None:
    browser = world.browser(Role.OPERATOR)
    here = f"/environments/{live.id}"
    browser.submit(f"{here}/restore-points", page=here, label="One", ref="main")

    answer = browser.submit(f"{here}/restore-points", page=here, label="One", ref="main")

    with pytest.raises(Conflict) as refused:
        RestorePoints(world.database, world.services.mirrors).create(
            live, label="One", ref="main", actor=Actor(kind="user", name="ada")
        )
    assert answer.status_code == 409
    assert page_of(answer.text).one('[role="alert"]').text == str(refused.value)


def test_a_repository_out_of_reach_is_said_in_plain_words(world: World, live: Environment) -> None:
    (world.folder / live.repository_url).rename(world.folder / "moved")
    here = f"/environments/{live.id}"

    answer = world.browser(Role.OPERATOR).submit(f"{here}/restore-points", page=here, label="One", ref="main")

    assert answer.status_code == 422
    wording = REASONS[ReasonCode.ENVIRONMENT_UNREACHABLE]
    assert page_of(answer.text).one('[role="alert"]').text == f"{wording.title} {wording.next}"
    assert "fatal" not in answer.text


def test_a_preview_becomes_a_plan(world: World, live: Environment) -> None:
    browser = world.browser(Role.OPERATOR)
    here = f"/environments/{live.id}"
    browser.submit(f"{here}/restore-points", page=here, label="One", ref="main")
    point = browser.page(here).one(POINT)["value"]

    answer = browser.submit(
        f"{here}/restore-plans", page=here, restore_point_id=point, mode="exact", items="*.json\n\n  a.json "
    )

    assert answer.status_code == 303
    plan_id = answer.headers["Location"].rsplit("/", 1)[1]
    with world.database.transaction() as session:
        plan = session.get_one(RestorePlan, plan_id)
    assert (plan.mode, plan.items) == ("exact", ["*.json", "a.json"])
    assert browser.page(answer.headers["Location"]).one("[data-changes]")["data-changes"] == "0"


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("restore_point_id", {"restore_point_id": "none"}),
        ("mode", {"mode": "sideways"}),
        ("items", {"items": "nothing/at/all/**"}),
    ],
)
def test_a_preview_that_is_not_right_keeps_what_was_typed(
    world: World, live: Environment, field: str, given: dict[str, str]
) -> None:
    browser = world.browser(Role.OPERATOR)
    here = f"/environments/{live.id}"
    browser.submit(f"{here}/restore-points", page=here, label="One", ref="main")
    point = browser.page(here).one(POINT)["value"]
    sent = {"restore_point_id": point, "mode": "overlay", "items": "*.json", **given}

    answer = browser.submit(f"{here}/restore-plans", page=here, **sent)

    assert answer.status_code == 422
    page = page_of(answer.text)
    assert page.one(f"#restore_plan-{field}-error").text
    assert page.one("#restore_plan-items").text == sent["items"]
