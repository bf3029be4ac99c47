import re

from models.access import Role
from models.review import ReviewStatus
from tests.world import World

COUNTS = {"items": 48, "added": 1, "removed": 0, "renamed": 2, "changed": 0, "unparsed": 0}
FINDINGS = [
    {"code": code, "severity": severity, "title": code, "items": ["a.json"]}
    for code, severity in (("a", "warning"), ("b", "critical"), ("c", "warning"))
]


def test_it_lists_every_review_with_its_standing_and_counts(world: World) -> None:
    before, after = world.superseded()
    archived = world.archived()
    draft = world.review(summary=COUNTS, findings=FINDINGS)

    page = world.browser(Role.READER).read(f"/environments/{world.environment.id}/reviews")

    listed = re.findall(r'class="lead" href="/reviews/([^"]+)"', page)
    assert listed == [str(review.id) for review in (draft, archived, after, before)]
    for word in ("Draft", "Archived", "Published", "Superseded"):
        assert f"</svg>{word}</span>" in page
    assert "1 added, 2 renamed" in page
    assert "1 critical, 2 warnings" in page


def test_two_of_them_are_chosen_to_compare_without_a_script(world: World) -> None:
    before, after = world.superseded()

    page = world.browser(Role.READER).read(f"/environments/{world.environment.id}/reviews")

    assert '<form id="compare" method="get" action="/reviews/compare">' in page
    assert re.findall(r'name="(from|to)" value="([^"]+)" required checked', page) == [
        ("to", str(after.id)),
        ("from", str(before.id)),
    ]


def test_one_alone_cannot_be_compared(world: World) -> None:
    world.review()

    page = world.browser(Role.READER).read(f"/environments/{world.environment.id}/reviews")

    assert 'type="radio"' not in page
    assert "Compare</button>" not in page


def test_it_is_paged(world: World) -> None:
    reviews = [world.review(ref=f"v{number}") for number in range(55)]
    browser = world.browser(Role.READER)

    first = browser.read(f"/environments/{world.environment.id}/reviews")
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following is not None
    second = browser.read(following[1])

    listed = [re.findall(r'class="lead" href="/reviews/([^"]+)"', page) for page in (first, second)]
    assert listed[0] + listed[1] == [str(review.id) for review in reversed(reviews)]
    assert len(listed[0]) == 50


def test_an_environment_without_reviews_says_so(world: World) -> None:
    page = world.browser(Role.READER).read(f"/environments/{world.environment.id}/reviews")

    assert "No review yet." in page


def test_it_is_not_there_for_strangers_and_customers(world: World) -> None:
    world.review(ReviewStatus.PUBLISHED)
    path = f"/environments/{world.environment.id}/reviews"
    stranger = world.browser(Role.OWNER, world.add_workspace("fabrikam", "Fabrikam"))

    assert stranger.get(path).status_code == 404
    assert world.browser(Role.CUSTOMER).get(path).status_code == 404


def test_an_environment_leads_to_its_reviews(world: World) -> None:
    world.review()

    page = world.browser(Role.READER).read(f"/environments/{world.environment.id}")

    assert f'href="/environments/{world.environment.id}/reviews"' in page
