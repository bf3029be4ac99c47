import re

import pytest

from models.access import Role
from models.review import EnvironmentReview, ReviewStatus
from tests.world import World


def _head(page: str) -> str:
    return page.split('class="offers">')[1].partition('<ul class="numbers"')[0]


def _primary(page: str) -> list[str]:
    return re.findall(r'class="(?:button )?primary"[^>]*>([^<]+)', page)


def _status(world: World, review: EnvironmentReview) -> str:
    with world.database.transaction() as session:
        return session.get_one(EnvironmentReview, review.id).status


def test_a_draft_is_to_be_published(world: World) -> None:
    page = world.browser(Role.REVIEWER).read(f"/reviews/{world.review().id}")

    assert _primary(page) == ["Publish review"]
    for other in ("Download pack", "Compare", "Archive"):
        assert f">{other}</a>" in _head(page)


def test_a_published_review_is_to_be_downloaded(world: World) -> None:
    page = world.browser(Role.OWNER).read(f"/reviews/{world.review(ReviewStatus.PUBLISHED).id}")

    assert _primary(page) == ["Download pack"]
    assert "Publish review" not in page
    assert "Archive" not in _head(page)


def test_a_superseded_review_leads_to_the_newer_one(world: World) -> None:
    before, after = world.superseded()

    page = world.browser(Role.OWNER).read(f"/reviews/{before.id}")

    assert _primary(page) == ["Open the newer review"]
    assert f'href="/reviews/{after.id}">Open the newer review' in _head(page)


def test_an_archived_review_asks_for_nothing(world: World) -> None:
    page = world.browser(Role.OWNER).read(f"/reviews/{world.archived().id}")

    assert _primary(page) == []
    assert ">Download pack</a>" in _head(page)


def test_reports_that_are_not_ready_are_named_and_refuse_nothing(world: World) -> None:
    page = world.browser(Role.REVIEWER).read(f"/reviews/{world.review().id}")

    assert "The executive and audit reports are not ready to be shared; see Reports." in page
    assert '<button class="primary">Publish review' in page


def test_a_draft_on_a_base_that_moved_says_so_before_anybody_tries(world: World) -> None:
    draft = world.review(ref="v1")
    world.review(ReviewStatus.PUBLISHED, ref="v2")

    head = _head(world.browser(Role.REVIEWER).read(f"/reviews/{draft.id}"))

    assert '<button class="primary" disabled aria-describedby="why-not">Publish review' in head
    assert "Another review was published since this one was composed" in head
    assert ">Archive</a>" in head


def test_those_who_may_not_archive_see_why(world: World) -> None:
    draft = world.review()
    browser = world.browser(Role.OPERATOR)

    assert '<button disabled aria-describedby="why-not">Archive' in browser.read(f"/reviews/{draft.id}")
    asked = browser.read(f"/reviews/{draft.id}/archiving")
    assert '<button class="primary" form="archive" disabled aria-describedby="archive-why-not">' in asked
    assert "Your role here (operator) may not publish or archive reviews." in asked


def test_a_draft_is_archived_once_it_was_asked_again(world: World) -> None:
    draft = world.review()
    browser = world.browser(Role.REVIEWER)
    asked = f"/reviews/{draft.id}/archiving"

    assert "but it can never be published" in browser.read(asked)
    assert _status(world, draft) == ReviewStatus.DRAFT
    answer = browser.submit(f"/reviews/{draft.id}/archive", page=asked)

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/reviews/{draft.id}")
    assert _status(world, draft) == ReviewStatus.ARCHIVED
    assert "Archived" in browser.read(f"/reviews/{draft.id}")
    assert browser.submit(f"/reviews/{draft.id}/archive", page=asked).status_code == 303


def test_only_a_draft_is_archived(world: World) -> None:
    published = world.review(ReviewStatus.PUBLISHED)
    browser = world.browser(Role.OWNER)
    asked = f"/reviews/{published.id}/archiving"

    assert "only a draft can be archived" in browser.read(asked)
    answer = browser.submit(f"/reviews/{published.id}/archive", page=asked)

    assert answer.status_code == 409
    assert "This review is published; only a draft can be archived." in answer.text
    assert _status(world, published) == ReviewStatus.PUBLISHED


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.READER])
def test_those_who_may_not_archive_cannot(world: World, role: Role) -> None:
    draft = world.review()

    answer = world.browser(role).submit(f"/reviews/{draft.id}/archive", page="/operations")

    assert answer.status_code == 403
    assert _status(world, draft) == ReviewStatus.DRAFT


@pytest.mark.parametrize("act", ["publish", "archive"])
@pytest.mark.parametrize(("status", "answer"), [(ReviewStatus.PUBLISHED, 403), (ReviewStatus.DRAFT, 404)])
def test_a_customer_is_forbidden_what_they_see_and_does_not_find_the_rest(
    world: World, status: ReviewStatus, answer: int, act: str
) -> None:
    review = world.review(status)

    sent = world.browser(Role.CUSTOMER).submit(f"/reviews/{review.id}/{act}", page="/account")

    assert sent.status_code == answer
    assert _status(world, review) == status
