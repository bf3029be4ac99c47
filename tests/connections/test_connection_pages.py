"""The pages of connections: what an owner does there, and what no page shows."""

import pytest

from models.access import Role
from models.connection import Connection
from tests.clients import Browser
from tests.world import World

TOKEN = "kind-of-a-token-1618"
FORM = {"kind": "https", "name": "Ours", "url_prefix": "https://h.org/team", "username": "", "secret": TOKEN}


@pytest.fixture
def owner(api_world: World) -> Browser:
    return api_world.browser(Role.OWNER)


@pytest.fixture
def pages(api_world: World) -> str:
    return f"/workspaces/{api_world.workspace.id}/connections"


def names(world: World) -> dict[str, Connection]:
    with world.database.transaction() as session:
        found = session.query(Connection).filter_by(workspace_id=world.workspace.id)
        return {connection.name: connection for connection in found}


def test_an_owner_adds_changes_and_removes_a_connection(owner: Browser, pages: str, api_world: World) -> None:
    made = owner.submit(pages, page=pages, **FORM)
    assert made.status_code == 303
    path, kept = made.headers["Location"], names(api_world)["Ours"].encrypted_secret
    assert 'data-connection="https"' in owner.read(pages)

    changed = {"name": "Theirs", "url_prefix": "https://h.org", "username": "robot", "secret": ""}
    assert owner.submit(path, page=path, **changed).status_code == 303
    connection = names(api_world)["Theirs"]
    assert (connection.username, connection.url_prefix) == ("robot", "https://h.org")
    assert connection.encrypted_secret == kept
    assert TOKEN not in owner.read(path)

    assert owner.submit(f"{path}/removal", page=path).status_code == 303
    assert "Theirs" not in names(api_world)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"url_prefix": f"https://{TOKEN}@h.org/team"}, "https-url_prefix-error"),
        ({"name": ""}, "https-name-error"),
        ({"secret": f"{TOKEN} {TOKEN}"}, "https-secret-error"),
    ],
)
def test_a_refused_form_names_its_field_and_repeats_no_secret(
    owner: Browser, pages: str, given: dict[str, str], field: str
) -> None:
    refused = owner.submit(pages, page=pages, **(FORM | given))
    assert refused.status_code == 422
    assert f'id="{field}"' in refused.text
    assert TOKEN not in refused.text


def test_the_operator_s_connection_is_checked_and_not_changed(
    owner: Browser, pages: str, api_world: World
) -> None:
    path = f"{pages}/{api_world.environment.connection_id}"
    page = owner.read(path)
    assert "Save changes" not in page
    assert owner.submit(f"{path}/removal", page=pages).status_code == 409
    assert owner.submit(path, page=pages, name="x", url_prefix="/").status_code == 409
    assert 'data-checked="ok"' in owner.submit(f"{path}/check", page=path).text


def test_a_connection_is_found_under_its_own_workspace_alone(api_world: World, owner: Browser) -> None:
    other = api_world.add_workspace("third", "Third")
    path = f"/workspaces/{other.id}/connections/{api_world.environment.connection_id}"
    assert api_world.browser(Role.OWNER, other).get(path).status_code == 404
    assert owner.get(path).status_code == 404
