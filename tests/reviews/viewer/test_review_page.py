import re

from models.access import Role
from models.review import EnvironmentReview, ReviewStatus
from tests.factories import changed
from tests.world import World

FINDINGS = [
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


def test_it_shows_the_worst_finding_first_in_words(world: World) -> None:
    review = world.review(findings=FINDINGS)

    page = world.browser(Role.READER).read(f"/reviews/{review.id}")

    assert re.findall(r"</span><h3>([^<]+)</h3>", page) == [
        "An item cannot be read",
        "Items differ",
        "Items were added",
    ]
    assert "Critical" in page
    assert "a &lt;b&gt;.json" in page


def test_it_shows_inventory_baseline_and_evidence(world: World) -> None:
    sections = {
        "inventory": [{"kind": "compliancePolicy", "items": 19}],
        "changes": {"compared_with": None},
        "baseline": BASELINE,
    }
    review = world.review(sections=sections)

    page = world.browser(Role.READER).read(f"/reviews/{review.id}")

    assert re.search(r"compliancePolicy</th><td>19</td>", page)
    assert "Different: 250" in page
    assert "and 50 more" in page
    assert review.fingerprint in page
    assert f'href="/operations/{review.run_id}"' in page


def test_it_says_in_sentences_how_the_environment_stands(world: World) -> None:
    sections = {"inventory": [], "changes": {"compared_with": None}, "baseline": BASELINE}
    review = world.review(findings=FINDINGS, sections=sections)

    page = world.browser(Role.READER).read(f"/reviews/{review.id}")

    assert "7 of the baseline\N{RIGHT SINGLE QUOTATION MARK}s 258 items are here unchanged." in page
    assert "1 critical finding and 1 warning need attention." in page


def test_its_contents_lead_to_sections_that_are_there(world: World) -> None:
    page = world.browser(Role.READER).read(f"/reviews/{world.review(findings=FINDINGS).id}")

    contents = page.split('aria-label="On this page"')[1].split("</nav>")[0]
    anchors = re.findall(r'href="#([a-z]+)"', contents)
    assert anchors == ["findings", "changes", "baseline", "inventory", "reports", "evidence"]
    for anchor in anchors:
        assert f'<h2 id="{anchor}">' in page


def test_a_review_without_anything_says_so(world: World) -> None:
    page = world.browser(Role.READER).read(f"/reviews/{world.review().id}")

    assert "Nothing stood out." in page
    assert "There was no published review to compare with" in page
    assert "No item changed." not in page
    assert "no baseline to compare with" in page


def test_a_review_that_equals_the_one_before_says_that_nothing_changed(world: World) -> None:
    before = world.review(ref="v1")
    page = world.browser(Role.READER).read(
        f"/reviews/{world.review(ref='v2', previous_review_id=before.id).id}"
    )

    assert "No item changed." in page


def test_changes_are_paged_in_the_order_of_their_paths(world: World) -> None:
    review = world.review(changes=[changed(f"p/{number:03}.json") for number in range(60)])
    browser = world.browser(Role.READER)

    first = browser.read(f"/reviews/{review.id}")
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following is not None
    second = browser.read(following[1])

    shown = re.findall(r"p/(\d+)\.json", first) + re.findall(r"p/(\d+)\.json", second)
    assert shown == [f"{number:03}" for number in range(60)]


def test_a_cursor_that_is_none_is_a_clear_error(world: World) -> None:
    answer = world.browser(Role.READER).get(f"/reviews/{world.review().id}?after=-1")

    assert answer.status_code == 422
    assert "not a cursor of this list" in answer.text


def test_a_reviewer_publishes_a_draft_and_the_one_before_is_superseded(world: World) -> None:
    before = world.review(ReviewStatus.PUBLISHED)
    draft = world.review(ref="v2", previous_review_id=before.id)
    browser = world.browser(Role.REVIEWER)

    answer = browser.submit(f"/reviews/{draft.id}/publish", page=f"/reviews/{draft.id}")

    assert answer.status_code == 303
    assert "Published" in browser.read(f"/reviews/{draft.id}")
    assert f'href="/reviews/{draft.id}">Open the newer review' in browser.read(f"/reviews/{before.id}")


def test_a_draft_whose_base_moved_is_not_published_and_says_why(world: World) -> None:
    draft = world.review(ref="v1")
    world.review(ReviewStatus.PUBLISHED, ref="v2")

    answer = world.browser(Role.REVIEWER).submit(f"/reviews/{draft.id}/publish", page=f"/reviews/{draft.id}")

    assert answer.status_code == 409
    assert "compose a new one" in answer.text
    with world.database.transaction() as session:
        assert session.get_one(EnvironmentReview, draft.id).status == ReviewStatus.DRAFT


def test_an_operator_sees_the_button_greyed_with_the_reason(world: World) -> None:
    page = world.browser(Role.OPERATOR).read(f"/reviews/{world.review().id}")

    assert "Your role here (operator) may not publish or archive reviews." in page
    assert '<button class="primary" disabled' in page
