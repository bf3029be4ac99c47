import pytest

from models.access import Role
from services.access.tokens import revoke_tokens
from tests.world import ABSENT, COMPOSE, World

READS = [
    "/api/v1/workspaces",
    "/api/v1/connections",
    "/api/v1/environments",
    f"/api/v1/environments/{ABSENT}",
    f"/api/v1/environments/{ABSENT}/restore-points",
    f"/api/v1/restore-plans/{ABSENT}",
    "/api/v1/operations",
    f"/api/v1/operations/{ABSENT}",
    "/api/v1/reviews",
    f"/api/v1/reviews/{ABSENT}",
    f"/api/v1/reviews/{ABSENT}/changes",
]
WRITES = [
    "/api/v1/connections",
    f"/api/v1/connections/{ABSENT}/check",
    "/api/v1/environments",
    f"/api/v1/environments/{ABSENT}/restore-points",
    f"/api/v1/environments/{ABSENT}/restore-plans",
    "/api/v1/operations",
    f"/api/v1/reviews/{ABSENT}/publish",
]
BY_ID = [path for path in READS if ABSENT in path]


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize(
    "authorization", [None, "Bearer", "Bearer opr_wrong", "Basic b3ByOngK", "opr_wrong", "\xff"]
)
def test_it_reads_nothing_without_a_valid_token(
    api_world: World, path: str, authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    response = api_world.api.app.test_client().get(path, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="operationrun"'
    assert response.get_json()["code"] == "unauthenticated"


@pytest.mark.parametrize("path", WRITES)
def test_it_judges_the_token_before_the_body(api_world: World, path: str) -> None:
    response = api_world.api.app.test_client().post(path, data=b"{", content_type="text/plain")
    assert response.status_code == 401


def test_it_refuses_a_revoked_token(api_world: World) -> None:
    with api_world.services.database.transaction() as session:
        revoke_tokens(session, workspace_id=api_world.workspace.id, name="own owner")
    assert api_world.api.get("/api/v1/workspaces").status_code == 401
    assert api_world.api.get("/api/v1/workspaces", role=Role.READER).status_code == 200


@pytest.mark.parametrize("path", BY_ID)
@pytest.mark.parametrize(
    "malformed", ["1", "nonsense", ABSENT.upper().replace("0", "A"), "{" + ABSENT + "}", "%00"]
)
def test_it_answers_a_malformed_id_like_a_missing_one(api_world: World, path: str, malformed: str) -> None:
    missing = api_world.api.get(path)
    response = api_world.api.get(path.replace(ABSENT, malformed))
    assert missing.status_code == response.status_code == 404
    assert missing.data == response.data


def test_it_answers_what_another_workspace_has_like_what_is_missing(api_world: World) -> None:
    run = api_world.api.start_compose().get_json()["id"]
    plan = api_world.api.make_plan()
    for path in (
        f"/api/v1/operations/{run}",
        f"/api/v1/restore-plans/{plan}",
        api_world.api.environment_path,
        f"{api_world.api.environment_path}/restore-points",
    ):
        assert api_world.api.get(path).status_code == 200
        response = api_world.foreign_api.get(path)
        assert response.status_code == 404
        assert response.data == api_world.api.get(f"/api/v1/operations/{ABSENT}").data


@pytest.mark.parametrize("kind", ["restore-points", "restore-plans"])
def test_it_writes_nothing_into_another_workspace(api_world: World, kind: str) -> None:
    response = api_world.foreign_api.post(f"{api_world.api.environment_path}/{kind}", {"nonsense": 1})
    assert response.status_code == 404
    assert response.data == api_world.api.get(f"/api/v1/operations/{ABSENT}").data


def test_it_starts_nothing_in_another_workspace(api_world: World) -> None:
    body = {"type": COMPOSE, "environment_id": str(api_world.foreign_api.environment.id), "input": {}}
    response = api_world.api.post("/api/v1/operations", body)
    assert response.status_code == 404
    assert response.data == api_world.api.post("/api/v1/operations", body | {"environment_id": ABSENT}).data
    assert response.data == api_world.api.post("/api/v1/operations", body | {"environment_id": "x"}).data
    assert api_world.engine.starts == []


def test_it_registers_nothing_in_another_workspace(api_world: World) -> None:
    for slug in ("foreign", "missing", "\x00"):
        assert api_world.api.post("/api/v1/environments", {"workspace": slug}).status_code == 404


@pytest.mark.parametrize("role", [Role.READER, Role.REVIEWER])
def test_it_forbids_roles_that_may_see_but_not_act(api_world: World, role: Role) -> None:
    paths = {
        "/api/v1/operations": {"environment_id": str(api_world.environment.id), "type": "nonsense"},
        f"{api_world.api.environment_path}/restore-points": {},
        f"{api_world.api.environment_path}/restore-plans": {},
        "/api/v1/environments": {"workspace": "own"},
    }
    for path, body in paths.items():
        response = api_world.api.post(path, body, role=role)
        assert (response.status_code, response.get_json()["code"]) == (403, "forbidden")
    assert api_world.api.post("/api/v1/operations", {}, role=role).status_code == 403
    assert api_world.api.post("/api/v1/environments", {}, role=role).status_code == 403


def test_it_lets_an_operator_act_but_not_register_environments(api_world: World) -> None:
    assert api_world.api.start_compose(role=Role.OPERATOR).status_code == 202
    assert (
        api_world.api.post("/api/v1/environments", {"workspace": "own"}, role=Role.OPERATOR).status_code
        == 403
    )


def test_it_shows_a_customer_no_operations_and_no_environments(api_world: World) -> None:
    run = api_world.api.start_compose().get_json()["id"]
    assert api_world.api.get(f"/api/v1/operations/{run}", role=Role.CUSTOMER).status_code == 404
    assert api_world.api.get(api_world.api.environment_path, role=Role.CUSTOMER).status_code == 404
    assert api_world.api.post("/api/v1/operations", {}, role=Role.CUSTOMER).status_code == 404
    for path in ("/api/v1/operations", "/api/v1/environments"):
        assert api_world.api.get(path, role=Role.CUSTOMER).get_json() == {"items": [], "next": None}


def test_it_takes_no_session_cookie_for_a_token(api_world: World) -> None:
    client = api_world.api.app.test_client()
    with client.session_transaction() as cookie:
        cookie["user_id"] = ABSENT
    assert client.get("/api/v1/operations").status_code == 401
