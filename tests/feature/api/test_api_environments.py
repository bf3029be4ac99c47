from models.access import Role
from tests.feature.api.api_world import ABSENT, World, fields_of


def _new(world: World, **given: object) -> dict[str, object]:
    return {
        "workspace": "own",
        "slug": "staging",
        "name": "Staging",
        "repository_url": str(world.repository),
        "branch": "main",
        **given,
    }


def test_it_lists_the_workspaces_of_a_token(world: World) -> None:
    listed = world.api.get("/api/v1/workspaces").get_json()
    assert [(each["id"], each["slug"]) for each in listed["items"]] == [(str(world.workspace_id), "own")]
    assert listed["next"] is None


def test_it_registers_an_environment_and_shows_it_where_it_says(world: World) -> None:
    body = _new(world, path_prefix="policies", baseline_ref="before")
    response = world.api.post("/api/v1/environments", body)
    created = response.get_json()
    assert response.status_code == 201
    assert created["workspace_id"] == str(world.workspace_id)
    assert {name: created[name] for name in body if name != "workspace"} == {
        name: value for name, value in body.items() if name != "workspace"
    }
    assert world.api.get(response.headers["Location"]).get_json() == created


def test_it_takes_a_workspace_by_its_id_too(world: World) -> None:
    response = world.api.post("/api/v1/environments", _new(world, workspace=str(world.workspace_id)))
    assert response.status_code == 201


def test_it_lists_environments_by_workspace(world: World) -> None:
    for workspace in ("", "own", str(world.workspace_id)):
        listed = world.api.get(f"/api/v1/environments?workspace={workspace}", role=Role.READER).get_json()
        assert [each["id"] for each in listed["items"]] == [str(world.environment_id)]


def test_it_lists_nothing_of_a_workspace_that_is_out_of_scope(world: World) -> None:
    for workspace in ("foreign", "missing", ABSENT, "%00"):
        response = world.api.get(f"/api/v1/environments?workspace={workspace}")
        assert response.get_json() == {"items": [], "next": None}


def test_it_refuses_a_slug_that_is_taken(world: World) -> None:
    response = world.api.post("/api/v1/environments", _new(world, slug="production"))
    assert (response.status_code, response.get_json()["code"]) == (409, "conflict")


def test_it_names_the_field_of_a_bad_environment(world: World) -> None:
    for given, field in (
        ({"slug": "Not A Slug"}, "slug"),
        ({"name": " "}, "name"),
        ({"repository_url": "ext::sh -c true"}, "repository_url"),
        ({"repository_url": "/"}, "repository_url"),
        ({"branch": "--upload-pack=x"}, "branch"),
        ({"path_prefix": "../outside"}, "path_prefix"),
        ({"workspace": 7}, "workspace"),
    ):
        response = world.api.post("/api/v1/environments", _new(world, **given))
        assert response.status_code == 422, given
        assert fields_of(response) == [field]
