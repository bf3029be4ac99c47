"""The services' checks taken away: what row-level security still keeps of another workspace."""

from collections.abc import Collection
from uuid import uuid4

import pytest
from sqlalchemy import select

from models.access import Role, Workspace
from models.review import ReviewStatus
from services.access.principals import Principal
from services.access.tokens import create_token
from tests.clients import Browser
from tests.world import World


@pytest.fixture
def stranger(world: World) -> Browser:
    """Somebody signed in who belongs to another workspace."""
    return world.browser(Role.OWNER, world.add_workspace("fabrikam", "Fabrikam"))


@pytest.fixture
def bearer(world: World) -> dict[str, str]:
    """The token of another workspace."""
    northwind = world.add_workspace("northwind", "Northwind")
    with world.database.transaction() as session:
        token = create_token(session, workspace_id=northwind.id, role=Role.OWNER, name="stranger")
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def unlocked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every check of every service says yes, and every list is asked for every workspace there is."""
    with world.database.transaction() as session:
        everything = frozenset(session.scalars(select(Workspace.id)))

    def all_of_them(*_: object) -> Collection[object]:
        return everything

    monkeypatch.setattr(Principal, "may", lambda *_: True)
    monkeypatch.setattr(Principal, "workspaces_where", all_of_them)


@pytest.mark.usefixtures("unlocked")
def test_pages_still_show_nothing(world: World, stranger: Browser) -> None:
    run, plan = world.queued(ref=uuid4().hex), world.plan()
    review = world.review(ReviewStatus.PUBLISHED, ref=uuid4().hex)
    for path in (
        f"/operations/{run.id}",
        f"/operations/{run.id}/evidence.json",
        f"/restore-plans/{plan.id}",
        f"/reviews/{review.id}",
        f"/reviews/{review.id}/pack.zip",
        f"/published/{review.id}",
        f"/environments/{world.environment.id}",
    ):
        assert stranger.get(path).status_code == 404, path
    for path in ("/operations", "/environments", "/published", "/operations?q=ada"):
        page = stranger.read(path)
        assert "Windows devices" not in page
        assert "Contoso" not in page
        assert str(run.id) not in page


@pytest.mark.usefixtures("unlocked")
def test_forms_still_change_nothing(world: World, stranger: Browser) -> None:
    run, review = world.queued(ref=uuid4().hex), world.review(ref=uuid4().hex)
    for path in (
        f"/operations/{run.id}/cancel",
        f"/operations/{run.id}/settle",
        f"/reviews/{review.id}/publish",
        f"/environments/{world.environment.id}/reviews",
    ):
        assert stranger.submit(path, page="/account").status_code == 404, path
    assert world.run(run.id).context.cancellation is None
    assert world.engine.starts == []


@pytest.mark.usefixtures("unlocked")
def test_the_api_still_answers_nothing(world: World, bearer: dict[str, str]) -> None:
    run = world.queued(ref=uuid4().hex)
    review = world.review(ReviewStatus.PUBLISHED, ref=uuid4().hex)
    client = world.app.test_client()
    for path in (
        f"operations/{run.id}",
        f"reviews/{review.id}",
        f"reviews/{review.id}/changes",
        f"environments/{world.environment.id}",
        f"environments/{world.environment.id}/restore-points",
    ):
        assert client.get(f"/api/v1/{path}", headers=bearer).status_code == 404, path
    for path in ("operations", "reviews", "environments"):
        assert client.get(f"/api/v1/{path}", headers=bearer).get_json()["items"] == []
    assert client.post(f"/api/v1/operations/{run.id}/cancel", json={}, headers=bearer).status_code == 404
