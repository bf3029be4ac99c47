"""What a customer's token reads: published reviews, and of all others nothing."""

from collections.abc import Callable
from uuid import UUID

import pytest

from models.access import Role
from models.environment import Environment
from services.reviews.lineage import Reviews
from tests.review_documents import insert_review, make_source
from tests.world import ABSENT, World

FILES = ["", "/changes", "/report/executive.html", "/report/audit.json", "/pack.zip"]


def _compose(api_world: World, previous: str | None = None) -> str:
    with api_world.services.database.transaction() as session:
        environment = session.get_one(Environment, api_world.environment.id)
        before = UUID(previous) if previous else None
        return str(insert_review(session, environment, make_source(), previous=before).id)


def _publish(api_world: World, review_id: str) -> str:
    with api_world.services.database.transaction() as session:
        Reviews(session).publish(UUID(review_id))
    return review_id


def _superseded(api_world: World) -> str:
    before = _publish(api_world, _compose(api_world))
    _publish(api_world, _compose(api_world, previous=before))
    return before


def _archived(api_world: World) -> str:
    draft = _compose(api_world)
    with api_world.services.database.transaction() as session:
        Reviews(session).archive(UUID(draft))
    return draft


UNPUBLISHED: dict[str, Callable[[World], str]] = {
    "draft": _compose,
    "superseded": _superseded,
    "archived": _archived,
}


@pytest.mark.parametrize("file", FILES)
def test_a_customer_reads_a_published_review(api_world: World, file: str) -> None:
    review_id = _publish(api_world, _compose(api_world))

    assert api_world.api.get(f"/api/v1/reviews/{review_id}{file}", role=Role.CUSTOMER).status_code == 200


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("status", UNPUBLISHED)
def test_any_other_answers_a_customer_like_one_that_never_was(
    api_world: World, status: str, file: str
) -> None:
    review_id = UNPUBLISHED[status](api_world)

    answer = api_world.api.get(f"/api/v1/reviews/{review_id}{file}", role=Role.CUSTOMER)
    absent = api_world.api.get(f"/api/v1/reviews/{ABSENT}{file}", role=Role.CUSTOMER)

    assert answer.status_code == absent.status_code == 404
    assert answer.get_json() == absent.get_json()
    assert api_world.api.get(f"/api/v1/reviews/{review_id}{file}", role=Role.READER).status_code == 200


@pytest.mark.parametrize("query", ["", "?status=published", "?environment=production"])
def test_a_customers_list_has_published_reviews_alone(api_world: World, query: str) -> None:
    before = _publish(api_world, _compose(api_world))
    after = _publish(api_world, _compose(api_world, previous=before))
    _archived(api_world)
    _compose(api_world, previous=after)

    listed = api_world.api.get(f"/api/v1/reviews{query}", role=Role.CUSTOMER).get_json()

    assert [review["id"] for review in listed["items"]] == [after]


@pytest.mark.parametrize("status", ["draft", "superseded", "archived"])
def test_a_customer_who_asks_for_others_gets_an_empty_list(api_world: World, status: str) -> None:
    UNPUBLISHED[status](api_world)

    listed = api_world.api.get(f"/api/v1/reviews?status={status}", role=Role.CUSTOMER).get_json()

    assert listed == {"items": [], "next": None}
