import dataclasses

import pytest
from sqlalchemy import event

from models.access import Role
from tests.clients import Api
from tests.world import ABSENT, World
from web.app import create_app
from web.rate_limits import Buckets, Limit, RequestLimits

BURST = 3
WRONG = {"Authorization": "Bearer opr_wrong"}


@pytest.fixture
def api(api_world: World) -> Api:
    """The API of the same world, with limits that are soon reached and never come back."""
    scarce = Limit(per_minute=60, burst=BURST)
    limits = RequestLimits(
        tokens=Buckets(scarce, clock=lambda: 0.0), addresses=Buckets(scarce, clock=lambda: 0.0)
    )
    app = create_app(dataclasses.replace(api_world.services, request_limits=limits), secret_key="k")
    return Api(app, api_world.api.tokens, api_world.environment)


def statements(api_world: World) -> list[str]:
    seen: list[str] = []
    event.listen(
        api_world.services.database.engine, "before_cursor_execute", lambda *given: seen.append(given[2])
    )
    return seen


def test_it_says_what_is_left(api: Api) -> None:
    first, second = api.get("/api/v1/workspaces"), api.get("/api/v1/workspaces")
    assert first.headers["RateLimit-Policy"] == '"requests";q=3;w=3'
    assert first.headers["RateLimit"] == '"requests";r=2;t=1'
    assert second.headers["RateLimit"] == '"requests";r=1;t=2'


def test_it_refuses_a_token_that_asks_too_often_before_any_look_up(api: Api, api_world: World) -> None:
    for _ in range(BURST):
        assert api.get("/api/v1/workspaces").status_code == 200
    seen = statements(api_world)
    refused = api.get("/api/v1/workspaces")
    assert (refused.status_code, refused.get_json()["code"]) == (429, "too_many_requests")
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["RateLimit"] == '"requests";r=0;t=3'
    assert seen == []


def test_it_counts_each_token_by_itself(api: Api) -> None:
    for _ in range(BURST + 1):
        refused = api.get("/api/v1/workspaces")
    assert refused.status_code == 429
    assert api.get("/api/v1/workspaces", role=Role.READER).status_code == 200


def test_it_counts_what_is_refused_too(api: Api) -> None:
    answers = [api.get(f"/api/v1/operations/{ABSENT}").status_code for _ in range(BURST + 1)]
    assert answers == [404] * BURST + [429]


@pytest.mark.parametrize("headers", [{}, WRONG])
def test_it_refuses_an_address_that_guesses_before_any_look_up(
    api: Api, api_world: World, headers: dict[str, str]
) -> None:
    for _ in range(BURST):
        assert api.ask("GET", "/api/v1/workspaces", headers=headers).status_code == 401
    seen = statements(api_world)
    assert api.ask("GET", "/api/v1/workspaces", headers=headers).status_code == 429
    assert seen == []


def test_a_valid_token_known_before_goes_on_beside_a_guesser_at_the_same_address(api: Api) -> None:
    assert api.get("/api/v1/workspaces").status_code == 200
    for _ in range(BURST + 1):
        refused = api.ask("GET", "/api/v1/workspaces", headers=WRONG)
    assert refused.status_code == 429
    assert api.get("/api/v1/workspaces").status_code == 200


def test_a_valid_token_costs_its_address_nothing(api: Api) -> None:
    for role in Role:
        assert api.get("/api/v1/workspaces", role=role).status_code == 200
    assert api.ask("GET", "/api/v1/workspaces").status_code == 401


def test_probes_metrics_and_the_reference_are_not_limited(api: Api) -> None:
    for path in ("/healthz", "/metrics", "/api/v1/openapi.json"):
        assert {api.ask("GET", path).status_code for _ in range(BURST + 2)} == {200}
