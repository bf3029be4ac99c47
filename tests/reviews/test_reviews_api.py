from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from models.access import Role
from models.base import Json, utc_now
from models.review import EnvironmentReview, ReviewChange
from services.workspaces.environments import Environments
from tests.clients import fields_of
from tests.world import ABSENT, World

SETTINGS = [{"path": "state", "before": "enabled", "after": "disabled"}]


def _compose(api_world: World, ref: str, **given: Any) -> str:
    """Put a review beside a run, as a composition leaves it."""
    run_id = UUID(api_world.api.start_compose(ref).get_json()["id"])
    values: dict[str, Any] = {
        "id": uuid7(),
        "workspace_id": api_world.workspace.id,
        "environment_id": api_world.environment.id,
        "run_id": run_id,
        "status": "draft",
        "fingerprint": ref,
        "commit": "c" * 40,
        "tree": "d" * 40,
        "composer_version": "1",
        "summary": {"items": 2, "added": 1, "removed": 0, "renamed": 1, "changed": 0, "unparsed": 0},
        "sections": {"inventory": [], "changes": {"compared_with": None}, "baseline": {"set": False}},
        "findings": [{"code": "item.unparsed", "severity": "warning", "title": "x", "items": ["a.json"]}],
        "composed_at": utc_now(),
        **given,
    }
    with api_world.services.database.transaction() as session:
        session.add(EnvironmentReview(**values))
        session.flush()
        for position, (change, previous) in enumerate([("added", None), ("renamed", "old.json")]):
            session.add(
                ReviewChange(
                    review_id=values["id"],
                    position=position,
                    workspace_id=api_world.workspace.id,
                    change=change,
                    kind="policy",
                    path=f"{change}.json",
                    previous_path=previous,
                    settings=SETTINGS if previous else [],
                    commits=[],
                )
            )
    return str(values["id"])


def test_it_shows_a_review(api_world: World) -> None:
    review_id = _compose(api_world, "one")
    review = api_world.api.get(f"/api/v1/reviews/{review_id}", role=Role.READER).get_json()
    assert review["id"] == review_id
    assert (review["status"], review["fingerprint"], review["commit"]) == ("draft", "one", "c" * 40)
    assert review["environment_id"] == str(api_world.environment.id)
    assert review["summary"]["items"] == 2
    assert review["findings"][0]["code"] == "item.unparsed"
    assert review["previous_review_id"] is review["superseded_by_id"] is None


def test_it_links_a_run_to_the_review_it_made(api_world: World) -> None:
    review_id = _compose(api_world, "one")
    run_id = api_world.api.get(f"/api/v1/reviews/{review_id}").get_json()["run_id"]
    related = api_world.api.get(f"/api/v1/operations/{run_id}").get_json()["links"]["related"]
    assert related == {
        "type": "environment_review",
        "id": review_id,
        "html": f"http://runs.example/reviews/{review_id}",
    }


def test_it_pages_through_changes_in_the_order_of_paths(api_world: World) -> None:
    path = f"/api/v1/reviews/{_compose(api_world, 'one')}/changes?limit=1"
    first = api_world.api.get(path).get_json()
    added: Json = {
        "change": "added",
        "path": "added.json",
        "previous_path": None,
        "settings": [],
        "commits": [],
    }
    renamed = {"change": "renamed", "path": "renamed.json", "previous_path": "old.json", "commits": []}
    assert first["items"] == [added]
    second = api_world.api.get(f"{path}&after={first['next']}").get_json()
    assert second == {"items": [renamed | {"settings": SETTINGS}], "next": None}


def test_it_lists_reviews_by_any_filter(api_world: World) -> None:
    review_id = _compose(api_world, "one")
    for query in ("", "status=draft", "environment=production", f"environment={api_world.environment.id}"):
        listed = api_world.api.get(f"/api/v1/reviews?{query}").get_json()
        assert [review["id"] for review in listed["items"]] == [review_id], query
    for query in (
        "status=published",
        f"environment={api_world.foreign_api.environment.id}",
        f"environment={ABSENT}",
        "environment=%00",
    ):
        assert api_world.api.get(f"/api/v1/reviews?{query}").get_json()["items"] == [], query


@pytest.mark.parametrize("query", ["status=ready", "after=x", "limit=many"])
def test_it_names_the_filter_of_reviews_that_cannot_be_used(api_world: World, query: str) -> None:
    response = api_world.api.get(f"/api/v1/reviews?{query}")
    assert response.status_code == 422
    assert fields_of(response) == [query.split("=", maxsplit=1)[0]]


def test_it_publishes_a_draft_and_supersedes_the_one_before(api_world: World) -> None:
    first = _compose(api_world, "one")
    assert api_world.api.post(f"/api/v1/reviews/{first}/publish", {}, role=Role.REVIEWER).status_code == 200
    second = _compose(api_world, "two", previous_review_id=UUID(first))
    response = api_world.api.post(f"/api/v1/reviews/{second}/publish")
    assert (response.status_code, response.get_json()["status"]) == (200, "published")
    before = api_world.api.get(f"/api/v1/reviews/{first}").get_json()
    assert (before["status"], before["superseded_by_id"]) == ("superseded", second)


def test_it_refuses_to_publish_on_a_base_that_moved(api_world: World) -> None:
    first, second = _compose(api_world, "one"), _compose(api_world, "two")
    api_world.api.post(f"/api/v1/reviews/{first}/publish", {})
    response = api_world.api.post(f"/api/v1/reviews/{second}/publish", {})
    assert (response.status_code, response.get_json()["code"]) == (409, "review_base_moved")


def test_it_refuses_to_publish_with_a_body_that_says_something(api_world: World) -> None:
    path = f"/api/v1/reviews/{_compose(api_world, 'one')}/publish"
    assert fields_of(api_world.api.post(path, {"force": True})) == ["force"]
    assert api_world.api.post_bytes(path, b"{").status_code == 400
    assert api_world.api.post_bytes(path, b"{}", "text/plain").status_code == 415


def test_it_lets_readers_see_but_not_publish(api_world: World) -> None:
    path = f"/api/v1/reviews/{_compose(api_world, 'one')}/publish"
    for role in (Role.READER, Role.OPERATOR):
        assert api_world.api.post(path, {}, role=role).status_code == 403


def test_it_shows_customers_published_reviews_alone(api_world: World) -> None:
    published, draft = _compose(api_world, "one"), _compose(api_world, "two")
    api_world.api.post(f"/api/v1/reviews/{published}/publish", {})
    for query in ("", "?status=published"):
        listed = api_world.api.get(f"/api/v1/reviews{query}", role=Role.CUSTOMER).get_json()
        assert [review["id"] for review in listed["items"]] == [published]
    assert api_world.api.get("/api/v1/reviews?status=draft", role=Role.CUSTOMER).get_json()["items"] == []
    assert api_world.api.get(f"/api/v1/reviews/{published}", role=Role.CUSTOMER).status_code == 200
    assert api_world.api.get(f"/api/v1/reviews/{published}/changes", role=Role.CUSTOMER).status_code == 200
    assert api_world.api.get(f"/api/v1/reviews/{draft}", role=Role.CUSTOMER).status_code == 404
    assert api_world.api.get(f"/api/v1/reviews/{draft}/changes", role=Role.CUSTOMER).status_code == 404
    assert api_world.api.post(f"/api/v1/reviews/{draft}/publish", {}, role=Role.CUSTOMER).status_code == 404
    assert (
        api_world.api.post(f"/api/v1/reviews/{published}/publish", {}, role=Role.CUSTOMER).status_code == 403
    )


def test_it_keeps_a_slug_of_two_workspaces_apart(api_world: World) -> None:
    review_id = _compose(api_world, "one")
    with api_world.services.database.transaction() as session:
        Environments(session, allowed_file_roots=[api_world.repository.parent]).create(
            workspace_id=api_world.workspace.id,
            slug="other",
            name="Other",
            repository_url=str(api_world.repository),
            branch="main",
        )
    listed = api_world.foreign_api.get("/api/v1/reviews?environment=production").get_json()
    assert listed["items"] == []
    assert api_world.foreign_api.get(f"/api/v1/reviews/{review_id}").status_code == 404
    assert api_world.api.get("/api/v1/reviews?environment=other").get_json()["items"] == []
