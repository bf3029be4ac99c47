import pytest

from models.access import Role
from models.errors import InvalidInput
from models.review import EnvironmentReview
from services.reviews.queries import ReviewFilters
from tests.factories import changed
from tests.page import page_of
from tests.reviews.viewer.parts import CHANGES, FINDINGS, changed_paths, error, following, numbers
from tests.world import World

FOUND = [
    {"code": "missing", "severity": "critical", "title": "Items are missing", "items": ["a.json"]},
    {"code": "drifted", "severity": "warning", "title": "Items differ", "items": ["b.json"]},
]


@pytest.fixture
def review(world: World) -> EnvironmentReview:
    """A review with two findings and three changes of two kinds."""
    return world.review(
        findings=FOUND,
        changes=[
            changed("policy-changed.json", kind="policy"),
            changed("policy-added.json", kind="policy", change="added"),
            changed("app-added.json", kind="#microsoft.graph.app", change="added"),
        ],
    )


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("", ["policy-changed.json", "policy-added.json", "app-added.json"]),
        ("?change=added", ["policy-added.json", "app-added.json"]),
        ("?kind=policy", ["policy-changed.json", "policy-added.json"]),
        ("?kind=policy&change=added", ["policy-added.json"]),
        ("?kind=%23microsoft.graph.app", ["app-added.json"]),
        ("?change=&kind=&severity=", ["policy-changed.json", "policy-added.json", "app-added.json"]),
        ("?severity=critical", ["policy-changed.json", "policy-added.json", "app-added.json"]),
    ],
)
def test_changes_are_narrowed_by_the_address(
    world: World, review: EnvironmentReview, query: str, left: list[str]
) -> None:
    page = world.browser(Role.READER).page(f"/reviews/{review.id}{query}")

    assert changed_paths(page) == left


def test_findings_are_narrowed_by_severity(world: World, review: EnvironmentReview) -> None:
    answer = world.browser(Role.READER).read(f"/reviews/{review.id}?severity=warning")

    assert page_of(answer).texts(f"{FINDINGS} article > h3") == ["Items differ"]
    assert "Items are missing" not in answer


def test_what_was_chosen_stays_chosen_and_each_form_keeps_the_other(
    world: World, review: EnvironmentReview
) -> None:
    page = world.browser(Role.READER).page(f"/reviews/{review.id}?severity=warning&change=added&kind=policy")

    chosen = [option["value"] for option in page.all("option[selected]")]
    assert chosen == ["warning", "added", "policy"]
    kept = page.all('form.filters input[type="hidden"]')
    assert [(field["name"], field["value"]) for field in kept] == [
        ("kind", "policy"),
        ("change", "added"),
        ("severity", "warning"),
    ]
    assert page.has('[role="status"][data-says="matching"]')
    assert numbers(page.says("matching")) == [1]


def test_no_match_says_so_and_leads_back(world: World, review: EnvironmentReview) -> None:
    browser = world.browser(Role.READER)

    page = browser.page(f"/reviews/{review.id}?kind=no-such&severity=info")

    assert page.has(f'{FINDINGS} [data-empty="no-match"]')
    back, anchor = page.one(f'{CHANGES} [data-empty="no-match"] a')["href"].split("#")
    assert anchor == "changes"
    assert len(changed_paths(browser.page(back))) == 3


@pytest.mark.parametrize(("field", "value"), [("change", "burnt"), ("severity", "mild")])
def test_a_filter_that_cannot_be_is_refused_by_name(
    world: World, review: EnvironmentReview, field: str, value: str
) -> None:
    answer = world.browser(Role.READER).get(f"/reviews/{review.id}?{field}={value}")

    assert answer.status_code == 422
    with pytest.raises(InvalidInput) as refused:
        ReviewFilters.parse({field: value})
    assert str(refused.value).startswith(f"{field}: ")
    assert str(refused.value) in error(page_of(answer.text), "422")


def test_a_kind_with_characters_that_are_none_leaves_nothing(world: World, review: EnvironmentReview) -> None:
    assert changed_paths(world.browser(Role.READER).page(f"/reviews/{review.id}?kind=%00%ff")) == []


def test_pages_keep_the_filters(world: World) -> None:
    changes = [
        changed(f"{number:03}.json", change="added" if number % 2 else "changed") for number in range(120)
    ]
    review = world.review(changes=changes)
    browser = world.browser(Role.READER)

    first = browser.page(f"/reviews/{review.id}?change=added")
    after = following(first)
    assert after is not None
    second = browser.page(after)

    assert changed_paths(first) + changed_paths(second) == [
        f"{number:03}.json" for number in range(1, 120, 2)
    ]
