import pytest

from models.access import Role
from models.environment import Environment
from models.restore import RestorePlan
from tests.git_repository import make_repository
from tests.world import COMPOSE, World


@pytest.fixture
def live(world: World) -> Environment:
    """An environment whose repository is a real one, with two items under its folder."""
    files = {"policies/a.json": '{"a": 1}', "policies/b.json": '{"b": 1}', "README.md": "not an item"}
    folder = make_repository(world.folder / "configuration", files)
    return world.add_environment("Live", repository_url=str(folder), path_prefix="policies", branch="main")


def test_the_list_shows_the_environments_of_each_workspace(world: World) -> None:
    page = world.browser(Role.READER).read("/environments")

    assert "Contoso" in page
    assert f'href="/environments/{world.environment.id}">Windows devices' in page


def test_an_environment_shows_its_facts_runs_and_reviews(world: World) -> None:
    review = world.review()

    page = world.browser(Role.READER).read(f"/environments/{world.environment.id}")

    assert "https://git.contoso.example/configuration.git" in page
    assert f'href="/reviews/{review.id}"' in page
    assert f'href="/operations/{review.run_id}"' in page


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
    assert "Waiting to start." in browser.read(first.headers["Location"])


def test_a_version_that_cannot_be_is_refused_beside_its_field_and_kept(world: World) -> None:
    here = f"/environments/{world.environment.id}"

    answer = world.browser(Role.OPERATOR).submit(f"{here}/reviews", page=here, ref="v" * 300)

    assert answer.status_code == 422
    assert 'id="compose-ref-error"' in answer.text
    assert f'value="{"v" * 300}"' in answer.text
    assert world.engine.starts == []


def test_a_reader_sees_what_they_may_not_do_and_why(world: World) -> None:
    world.plan()

    page = world.browser(Role.READER).read(f"/environments/{world.environment.id}")

    assert page.count("Your role here (reader) may not") == 4
    assert '<button class="primary" form="compose-now" disabled' in page


def test_a_restore_point_is_pinned_and_listed(world: World, live: Environment) -> None:
    browser = world.browser(Role.OPERATOR)
    here = f"/environments/{live.id}"

    answer = browser.submit(f"{here}/restore-points", page=here, label="Before the move", ref="main")

    assert answer.status_code == 303
    assert "Before the move" in browser.read(here)


def test_a_restore_point_of_no_version_is_refused_beside_its_field(world: World, live: Environment) -> None:
    here = f"/environments/{live.id}"

    answer = world.browser(Role.OPERATOR).submit(
        f"{here}/restore-points", page=here, label="Kept <as> typed", ref="no-such"
    )

    assert answer.status_code == 422
    assert 'id="restore_point-ref-error"' in answer.text
    assert 'value="Kept &lt;as&gt; typed"' in answer.text


def test_a_label_that_is_taken_is_said_on_the_form(world: World, live: Environment) -> None:
    browser = world.browser(Role.OPERATOR)
    here = f"/environments/{live.id}"
    browser.submit(f"{here}/restore-points", page=here, label="One", ref="main")

    answer = browser.submit(f"{here}/restore-points", page=here, label="One", ref="main")

    assert answer.status_code == 409
    assert "Choose another label." in answer.text


def test_a_repository_out_of_reach_is_said_in_plain_words(world: World, live: Environment) -> None:
    (world.folder / live.repository_url).rename(world.folder / "moved")
    here = f"/environments/{live.id}"

    answer = world.browser(Role.OPERATOR).submit(f"{here}/restore-points", page=here, label="One", ref="main")

    assert answer.status_code == 422
    assert "The environment&#39;s repository could not be reached." in answer.text
    assert "fatal" not in answer.text


def test_a_preview_becomes_a_plan(world: World, live: Environment) -> None:
    browser = world.browser(Role.OPERATOR)
    here = f"/environments/{live.id}"
    browser.submit(f"{here}/restore-points", page=here, label="One", ref="main")
    point = browser.read(here).split('<option value="')[1].split('"')[0]

    answer = browser.submit(
        f"{here}/restore-plans", page=here, restore_point_id=point, mode="exact", items="*.json\n\n  a.json "
    )

    assert answer.status_code == 303
    plan_id = answer.headers["Location"].rsplit("/", 1)[1]
    with world.database.transaction() as session:
        plan = session.get_one(RestorePlan, plan_id)
    assert (plan.mode, plan.items) == ("exact", ["*.json", "a.json"])
    assert "There is nothing to change." in browser.read(answer.headers["Location"])


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
    point = browser.read(here).split('<option value="')[1].split('"')[0]
    sent = {"restore_point_id": point, "mode": "overlay", "items": "*.json", **given}

    answer = browser.submit(f"{here}/restore-plans", page=here, **sent)

    assert answer.status_code == 422
    assert f'id="restore_plan-{field}-error"' in answer.text
    assert f">{sent['items']}</textarea>" in answer.text
