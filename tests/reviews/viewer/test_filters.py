import re

import pytest

from models.access import Role
from models.review import EnvironmentReview
from tests.factories import changed
from tests.world import World

FINDINGS = [
    {"code": "missing", "severity": "critical", "title": "Items are missing", "items": ["a.json"]},
    {"code": "drifted", "severity": "warning", "title": "Items differ", "items": ["b.json"]},
]


@pytest.fixture
def review(world: World) -> EnvironmentReview:
    """A review with two findings and three changes of two kinds."""
    return world.review(
        findings=FINDINGS,
        changes=[
            changed("policy-changed.json", kind="policy"),
            changed("policy-added.json", kind="policy", change="added"),
            changed("app-added.json", kind="#microsoft.graph.app", change="added"),
        ],
    )


def _changes(page: str) -> list[str]:
    return re.findall(r'class="item" href="[^"]+"><code class="path">([^<]+)', page)


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
    page = world.browser(Role.READER).read(f"/reviews/{review.id}{query}")

    assert _changes(page) == left


def test_findings_are_narrowed_by_severity(world: World, review: EnvironmentReview) -> None:
    page = world.browser(Role.READER).read(f"/reviews/{review.id}?severity=warning")

    assert "Items differ" in page
    assert "Items are missing" not in page


def test_what_was_chosen_stays_chosen_and_each_form_keeps_the_other(
    world: World, review: EnvironmentReview
) -> None:
    page = world.browser(Role.READER).read(f"/reviews/{review.id}?severity=warning&change=added&kind=policy")

    assert re.findall(r'<option value="([^"]+)" selected>', page) == ["warning", "added", "policy"]
    assert re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)">', page)[-3:] == [
        ("kind", "policy"),
        ("change", "added"),
        ("severity", "warning"),
    ]
    assert "1 change matches." in page


def test_no_match_says_so_and_leads_back(world: World, review: EnvironmentReview) -> None:
    browser = world.browser(Role.READER)

    page = browser.read(f"/reviews/{review.id}?kind=no-such&severity=info")

    assert "No change matches." in page
    assert "No finding matches." in page
    back = re.search(r'No change matches.</h3><p><a href="([^"#]+)#changes">Clear the filters', page)
    assert back is not None
    assert len(_changes(browser.read(back[1]))) == 3


@pytest.mark.parametrize(("field", "query"), [("change", "?change=burnt"), ("severity", "?severity=mild")])
def test_a_filter_that_cannot_be_is_refused_by_name(
    world: World, review: EnvironmentReview, field: str, query: str
) -> None:
    answer = world.browser(Role.READER).get(f"/reviews/{review.id}{query}")

    assert answer.status_code == 422
    assert f"{field}: there is no" in answer.text


def test_a_kind_with_characters_that_are_none_leaves_nothing(world: World, review: EnvironmentReview) -> None:
    assert _changes(world.browser(Role.READER).read(f"/reviews/{review.id}?kind=%00%ff")) == []


def test_pages_keep_the_filters(world: World) -> None:
    changes = [
        changed(f"{number:03}.json", change="added" if number % 2 else "changed") for number in range(120)
    ]
    review = world.review(changes=changes)
    browser = world.browser(Role.READER)

    first = browser.read(f"/reviews/{review.id}?change=added")
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following is not None
    second = browser.read(following[1].replace("&amp;", "&"))

    assert _changes(first) + _changes(second) == [f"{number:03}.json" for number in range(1, 120, 2)]
