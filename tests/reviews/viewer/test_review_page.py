from collections.abc import Callable

from models.access import Role
from models.errors import ReviewBaseMoved
from models.review import EnvironmentReview, ReviewStatus
from services.database.paging import malformed_cursor
from services.reports.document import ReviewDocument, open_review
from services.reports.sentences import comparison, headline
from services.reviews.findings import Severity
from tests.factories import changed
from tests.page import page_of
from tests.reviews.viewer.parts import (
    CHANGES,
    FINDINGS,
    changed_paths,
    error,
    following,
    may_not_manage,
    numbers,
    primary,
    standing,
)
from tests.world import World
from web.reviews.wording import OF_SEVERITY, OF_STATUS

FOUND = [
    {"code": "added", "severity": "info", "title": "Items were added", "items": []},
    {
        "code": "unreadable",
        "severity": "critical",
        "title": "An item cannot be read",
        "items": ["a <b>.json"],
    },
    {"code": "drifted", "severity": "warning", "title": "Items differ", "items": ["b.json"]},
]
BASELINE = {
    "set": True,
    "missing": 1,
    "drifted": 250,
    "extra": 0,
    "conforming": 7,
    "paths": {"missing": ["m.json"], "drifted": [f"d{number}.json" for number in range(200)], "extra": []},
}


EVIDENCE = '[aria-labelledby="evidence"]'


def sentence(world: World, review: EnvironmentReview, about: Callable[[ReviewDocument], str]) -> str:
    """Return what the reports say about a review, too."""
    with world.database.transaction() as session:
        return about(open_review(session, review.id).document)


def test_it_shows_the_worst_finding_first_in_words(world: World) -> None:
    review = world.review(findings=FOUND)

    page = world.browser(Role.READER).page(f"/reviews/{review.id}")

    assert page.texts(f"{FINDINGS} article > h3") == [
        "An item cannot be read",
        "Items differ",
        "Items were added",
    ]
    severities = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)
    assert page.texts(f"{FINDINGS} article > .state") == [OF_SEVERITY[each].word for each in severities]
    assert page.texts(f"{FINDINGS} .path") == ["a <b>.json", "b.json"]


def test_it_shows_inventory_baseline_and_evidence(world: World) -> None:
    sections = {
        "inventory": [{"kind": "compliancePolicy", "items": 19}],
        "changes": {"compared_with": None},
        "baseline": BASELINE,
    }
    review = world.review(sections=sections)

    page = world.browser(Role.READER).page(f"/reviews/{review.id}")

    (kind,) = page.all('[aria-labelledby="inventory"] tbody tr')
    assert (kind.one("th").text, kind.one("td").text) == ("compliancePolicy", "19")
    drifted = page.one('[data-paths="drifted"]')
    assert numbers(drifted.one("summary").text) == [250]
    assert numbers(drifted.says("more")) == [50]
    assert page.facts(EVIDENCE)["Fingerprint"] == review.fingerprint
    assert page.has(f'{EVIDENCE} dd > a[href="/operations/{review.run_id}"]')


def test_it_says_in_sentences_how_the_environment_stands(world: World) -> None:
    sections = {"inventory": [], "changes": {"compared_with": None}, "baseline": BASELINE}
    review = world.review(findings=FOUND, sections=sections)

    page = world.browser(Role.READER).page(f"/reviews/{review.id}")

    lede = page.one(".lede").text
    assert lede == sentence(world, review, headline)
    assert numbers(lede) == [7, 258, 1, 1]


def test_its_contents_lead_to_sections_that_are_there(world: World) -> None:
    page = world.browser(Role.READER).page(f"/reviews/{world.review(findings=FOUND).id}")

    contents = page.one('nav[aria-label="On this page"]')
    anchors = [link["href"] for link in contents.all("a")]
    assert anchors == ["#findings", "#changes", "#baseline", "#inventory", "#reports", "#evidence"]
    for anchor in anchors:
        assert len(page.all(f"h2{anchor}")) == 1


def test_a_review_without_anything_says_so(world: World) -> None:
    review = world.review()

    page = world.browser(Role.READER).page(f"/reviews/{review.id}")

    assert page.has(f'{FINDINGS} [data-empty="nothing-found"]')
    assert page.says("compared") == sentence(world, review, comparison)
    assert not page.has('[data-empty="no-change"]')
    assert page.says("no-baseline")


def test_a_review_that_equals_the_one_before_says_that_nothing_changed(world: World) -> None:
    before = world.review(ref="v1")
    page = world.browser(Role.READER).page(
        f"/reviews/{world.review(ref='v2', previous_review_id=before.id).id}"
    )

    assert page.has(f'{CHANGES} [data-empty="no-change"]')


def test_changes_are_paged_in_the_order_of_their_paths(world: World) -> None:
    review = world.review(changes=[changed(f"p/{number:03}.json") for number in range(60)])
    browser = world.browser(Role.READER)

    first = browser.page(f"/reviews/{review.id}")
    after = following(first)
    assert after is not None
    second = browser.page(after)

    shown = changed_paths(first) + changed_paths(second)
    assert shown == [f"p/{number:03}.json" for number in range(60)]


def test_a_cursor_that_is_none_is_a_clear_error(world: World) -> None:
    answer = world.browser(Role.READER).get(f"/reviews/{world.review().id}?after=-1")

    assert answer.status_code == 422
    assert str(malformed_cursor()) in error(page_of(answer.text), "422")


def test_a_reviewer_publishes_a_draft_and_the_one_before_is_superseded(world: World) -> None:
    before = world.review(ReviewStatus.PUBLISHED)
    draft = world.review(ref="v2", previous_review_id=before.id)
    browser = world.browser(Role.REVIEWER)

    answer = browser.submit(f"/reviews/{draft.id}/publish", page=f"/reviews/{draft.id}")

    assert answer.status_code == 303
    published = OF_STATUS[ReviewStatus.PUBLISHED].word
    assert standing(browser.page(f"/reviews/{draft.id}")) == published
    assert primary(browser.page(f"/reviews/{before.id}")) == [f"/reviews/{draft.id}"]


def test_a_draft_whose_base_moved_is_not_published_and_says_why(world: World) -> None:
    draft = world.review(ref="v1")
    world.review(ReviewStatus.PUBLISHED, ref="v2")

    answer = world.browser(Role.REVIEWER).submit(f"/reviews/{draft.id}/publish", page=f"/reviews/{draft.id}")

    assert answer.status_code == 409
    assert page_of(answer.text).texts("[role=alert] > p") == [str(ReviewBaseMoved())]
    with world.database.transaction() as session:
        assert session.get_one(EnvironmentReview, draft.id).status == ReviewStatus.DRAFT


def test_an_operator_sees_the_button_greyed_with_the_reason(world: World) -> None:
    review = world.review()

    page = world.browser(Role.OPERATOR).page(f"/reviews/{review.id}")

    assert page.has('form[action$="/publish"] > button.primary[disabled][aria-describedby="why-not"]')
    assert page.one("#why-not").text == may_not_manage(Role.OPERATOR)
