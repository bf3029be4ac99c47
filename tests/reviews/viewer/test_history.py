from models.access import Role
from models.review import ReviewStatus
from services.repositories.diff import Change
from tests.page import Part
from tests.reviews.viewer.parts import following, numbers
from tests.world import World
from web.reviews.wording import OF_STATUS

COUNTS = {"items": 48, "added": 1, "removed": 0, "renamed": 2, "changed": 0, "unparsed": 0}
FINDINGS = [
    {"code": code, "severity": severity, "title": code, "items": ["a.json"]}
    for code, severity in (("a", "warning"), ("b", "critical"), ("c", "warning"))
]


def listed(page: Part) -> list[str]:
    """Return where each review of the list leads."""
    return [link["href"] for link in page.all("a.lead")]


def test_it_lists_every_review_with_its_standing_and_counts(world: World) -> None:
    before, after = world.superseded()
    archived = world.archived()
    draft = world.review(summary=COUNTS, findings=FINDINGS)

    page = world.browser(Role.READER).page(f"/environments/{world.environment.id}/reviews")

    reviews = (draft, archived, after, before)
    assert listed(page) == [f"/reviews/{review.id}" for review in reviews]
    statuses = (
        ReviewStatus.DRAFT,
        ReviewStatus.ARCHIVED,
        ReviewStatus.PUBLISHED,
        ReviewStatus.SUPERSEDED,
    )
    assert page.texts("tbody .is > .state") == [OF_STATUS[status].word for status in statuses]
    newest = page.all("tbody tr")[0]
    assert newest.says("changed") == f"1 {Change.ADDED}, 2 {Change.RENAMED}"
    assert numbers(newest.says("found")) == [1, 2]


def test_two_of_them_are_chosen_to_compare_without_a_script(world: World) -> None:
    before, after = world.superseded()

    page = world.browser(Role.READER).page(f"/environments/{world.environment.id}/reviews")

    assert page.has('form#compare[method="get"][action="/reviews/compare"]')
    assert page.has('button[form="compare"]:not([disabled])')
    checked = page.all('#compare input[type="radio"][required][checked]')
    assert [(choice["name"], choice["value"]) for choice in checked] == [
        ("to", str(after.id)),
        ("from", str(before.id)),
    ]


def test_one_alone_cannot_be_compared(world: World) -> None:
    world.review()

    page = world.browser(Role.READER).page(f"/environments/{world.environment.id}/reviews")

    assert not page.has('input[type="radio"]')
    assert not page.has('button[form="compare"], #compare button')


def test_it_is_paged(world: World) -> None:
    reviews = [world.review(ref=f"v{number}") for number in range(55)]
    browser = world.browser(Role.READER)

    first = browser.page(f"/environments/{world.environment.id}/reviews")
    after = following(first)
    assert after is not None
    second = browser.page(after)

    assert listed(first) + listed(second) == [f"/reviews/{review.id}" for review in reversed(reviews)]
    assert len(listed(first)) == 50


def test_an_environment_without_reviews_says_so(world: World) -> None:
    page = world.browser(Role.READER).page(f"/environments/{world.environment.id}/reviews")

    assert page.has('[data-empty="nothing-yet"]')


def test_it_is_not_there_for_strangers_and_customers(world: World) -> None:
    world.review(ReviewStatus.PUBLISHED)
    path = f"/environments/{world.environment.id}/reviews"
    stranger = world.browser(Role.OWNER, world.add_workspace("fabrikam", "Fabrikam"))

    assert stranger.get(path).status_code == 404
    assert world.browser(Role.CUSTOMER).get(path).status_code == 404


def test_an_environment_leads_to_its_reviews(world: World) -> None:
    world.review()

    page = world.browser(Role.READER).page(f"/environments/{world.environment.id}")

    assert page.has(f'a[href="/environments/{world.environment.id}/reviews"]')
