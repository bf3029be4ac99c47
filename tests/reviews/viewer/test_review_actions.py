import pytest

from models.access import Role
from models.errors import ReviewBaseMoved
from models.review import EnvironmentReview, ReviewStatus
from services.reviews.lineage import archive_conflict
from services.reviews.readiness import Profile
from tests.page import page_of
from tests.reviews.viewer.parts import may_not_manage, offered, primary, standing
from tests.world import World
from web.reviews.wording import OF_PROFILE, OF_STATUS


def _status(world: World, review: EnvironmentReview) -> str:
    with world.database.transaction() as session:
        return session.get_one(EnvironmentReview, review.id).status


def test_a_draft_is_to_be_published(world: World) -> None:
    draft = world.review()

    page = world.browser(Role.REVIEWER).page(f"/reviews/{draft.id}")

    assert primary(page) == [f"/reviews/{draft.id}/publish"]
    assert offered(page) == [
        f"/reviews/{draft.id}/publish",
        f"/reviews/{draft.id}/pack.zip",
        f"/environments/{world.environment.id}/reviews",
        f"/reviews/{draft.id}/archiving",
    ]
    assert len(page.all(".offers > a.button")) == 3


def test_a_published_review_is_to_be_downloaded(world: World) -> None:
    published = world.review(ReviewStatus.PUBLISHED)

    page = world.browser(Role.OWNER).page(f"/reviews/{published.id}")

    assert primary(page) == [f"/reviews/{published.id}/pack.zip"]
    assert offered(page) == [
        f"/reviews/{published.id}/pack.zip",
        f"/environments/{world.environment.id}/reviews",
    ]
    assert not page.has('[action$="/publish"], [formaction$="/publish"], [href$="/publish"]')


def test_a_superseded_review_leads_to_the_newer_one(world: World) -> None:
    before, after = world.superseded()

    page = world.browser(Role.OWNER).page(f"/reviews/{before.id}")

    assert primary(page) == [f"/reviews/{after.id}"]
    assert page.one(".offers > a.primary")["href"] == f"/reviews/{after.id}"


def test_an_archived_review_asks_for_nothing(world: World) -> None:
    archived = world.archived()

    page = world.browser(Role.OWNER).page(f"/reviews/{archived.id}")

    assert primary(page) == []
    assert f"/reviews/{archived.id}/pack.zip" in offered(page)


def test_reports_that_are_not_ready_are_named_and_refuse_nothing(world: World) -> None:
    page = world.browser(Role.REVIEWER).page(f"/reviews/{world.review().id}")

    named = [profile for profile in Profile if OF_PROFILE[profile][0].lower() in page.says("not-ready")]
    assert named == [Profile.EXECUTIVE, Profile.AUDIT]
    assert page.has('form[action$="/publish"] > button.primary:not([disabled]):not([aria-describedby])')


def test_a_draft_on_a_base_that_moved_says_so_before_anybody_tries(world: World) -> None:
    draft = world.review(ref="v1")
    world.review(ReviewStatus.PUBLISHED, ref="v2")

    page = world.browser(Role.REVIEWER).page(f"/reviews/{draft.id}")

    publish = 'form[action$="/publish"] > button.primary[disabled][aria-describedby="why-not"]'
    assert page.has(f".offers > {publish}")
    assert page.one(".offers > #why-not").text == str(ReviewBaseMoved())
    assert page.has(f'.offers > a[href="/reviews/{draft.id}/archiving"]')


def test_those_who_may_not_archive_see_why(world: World) -> None:
    draft = world.review()
    browser = world.browser(Role.OPERATOR)

    shown = browser.page(f"/reviews/{draft.id}")
    asked = browser.page(f"/reviews/{draft.id}/archiving")

    archive = f'form[action="/reviews/{draft.id}/archiving"] > button[disabled]:not(.primary)'
    assert shown.has(f'{archive}[aria-describedby="why-not"]')
    assert asked.has('button.primary[form="archive"][disabled][aria-describedby="archive-why-not"]')
    assert asked.one("#archive-why-not").text == may_not_manage(Role.OPERATOR)


def test_a_draft_is_archived_once_it_was_asked_again(world: World) -> None:
    draft = world.review()
    browser = world.browser(Role.REVIEWER)
    asked = f"/reviews/{draft.id}/archiving"

    assert browser.page(asked).says("for-good")
    assert _status(world, draft) == ReviewStatus.DRAFT
    answer = browser.submit(f"/reviews/{draft.id}/archive", page=asked)

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/reviews/{draft.id}")
    assert _status(world, draft) == ReviewStatus.ARCHIVED
    assert standing(browser.page(f"/reviews/{draft.id}")) == OF_STATUS[ReviewStatus.ARCHIVED].word
    assert browser.submit(f"/reviews/{draft.id}/archive", page=asked).status_code == 303


def test_only_a_draft_is_archived(world: World) -> None:
    published = world.review(ReviewStatus.PUBLISHED)
    browser = world.browser(Role.OWNER)
    asked = f"/reviews/{published.id}/archiving"
    conflict = str(archive_conflict(published))

    assert browser.page(asked).one("#archive-why-not").text == conflict
    answer = browser.submit(f"/reviews/{published.id}/archive", page=asked)

    assert answer.status_code == 409
    assert page_of(answer.text).texts("[role=alert] > p") == [conflict]
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
