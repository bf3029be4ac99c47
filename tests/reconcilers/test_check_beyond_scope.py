"""A check that the web makes: narrowed to a workspace, it still learns that a match lies elsewhere."""

from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from models.base import utc_now
from models.review import EnvironmentReview
from services.database.row_security import within
from tests.world import COMPOSE, World


def put_review_elsewhere(world: World, run_id: str) -> UUID:
    """Insert a review of the run into another workspace, as only damage could."""
    elsewhere = world.foreign_api.environment
    review_id = uuid7()
    with world.database.transaction() as session:
        session.add(
            EnvironmentReview(
                id=review_id,
                workspace_id=elsewhere.workspace_id,
                environment_id=elsewhere.id,
                run_id=UUID(run_id),
                status="draft",
                fingerprint=run_id,
                commit="c" * 40,
                tree="d" * 40,
                composer_version="1",
                summary={},
                sections={},
                findings=[],
                composed_at=utc_now(),
            )
        )
    return review_id


@pytest.fixture
def run_id(api_world: World) -> str:
    found: str = api_world.api.start_compose().get_json()["id"]
    api_world.engine.close(f"operation-run.v1.{COMPOSE}.{found}", "terminated")
    return found


def test_a_match_in_another_workspace_needs_attention_and_is_not_shown(api_world: World, run_id: str) -> None:
    review_id = put_review_elsewhere(api_world, run_id)

    answer = api_world.api.post(f"/api/v1/operations/{run_id}/reconcile", {})

    decision = answer.get_json()["decision"]
    assert (decision["outcome"], decision["reason_code"]) == ("attention_required", "review_out_of_scope")
    assert decision["related"] is None
    assert str(review_id) not in answer.text


def test_the_web_role_asks_for_matches_of_its_own_runs_alone(api_world: World, run_id: str) -> None:
    put_review_elsewhere(api_world, run_id)
    matches = text("SELECT count(*) FROM reviews_of_run(:run, NULL)")
    narrowed = api_world.database.narrowed(lambda: within(frozenset()))
    foreign = api_world.foreign_api.environment.workspace_id
    for workspace_id, seen in ((api_world.workspace.id, 1), (foreign, 0)):
        with narrowed.transaction(within(frozenset({workspace_id}))) as session:
            assert session.scalar(matches, {"run": run_id}) == seen
