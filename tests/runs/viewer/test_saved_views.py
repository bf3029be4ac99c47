"""Lists that a workspace keeps by name."""

import pytest

from models.access import AuditAction, Role
from services.runs.saved_views import LONGEST_NAME
from services.runs.search.filters import RunFilters
from tests.clients import Browser
from tests.page import Part, page_of
from tests.world import World
from web.runs.saved_views import view_links


def keep(browser: Browser, name: str = "Failed restores", **values: str) -> str:
    filters = {"type": "restore.execute", "outcome": "failed"}
    answer = browser.submit(
        "/operations/views", page="/operations", **{"name": name, "keep_in": "contoso", **filters, **values}
    )
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def names_for_everybody(world: World) -> list[str]:
    """Return the names of the views that every reader has."""
    with world.app.test_request_context():
        links = view_links([], [], RunFilters(), me="ada", acting=frozenset())
    return [link.name for link in links]


def way_to_delete(page: Part) -> str:
    """Return where a view's page deletes it."""
    return page.one('form[action^="/operations/views/"][action$="/delete"]')["action"]


def test_a_view_is_there_for_everybody_in_the_workspace(world: World) -> None:
    path = keep(world.browser(Role.OPERATOR))

    page = world.browser(Role.READER).page(path)

    assert path == "/operations?type=restore.execute&outcome=failed&workspace=contoso"
    assert page.texts(".views > a") == [*names_for_everybody(world), "Failed restores"]
    assert page.one('.views > a[aria-current="true"]').text == "Failed restores"


def test_a_view_is_not_there_for_anybody_else(world: World) -> None:
    theirs = world.add_workspace("fabrikam", "Fabrikam")
    keep(world.browser(Role.OWNER))

    assert "Failed restores" not in world.browser(Role.OWNER, theirs).read("/operations")


def test_whoever_may_act_may_delete_a_view_and_a_reader_may_not(world: World) -> None:
    owner, reader = world.browser(Role.OWNER), world.browser(Role.READER)
    path = keep(owner)
    delete = way_to_delete(owner.page(path))

    assert "/delete" not in reader.read(path)
    assert reader.submit(delete, page="/operations").status_code == 403
    assert owner.submit(delete, page="/operations").status_code == 303
    assert "Failed restores" not in owner.read("/operations")
    assert owner.submit(delete, page="/operations").status_code == 404


def test_who_saved_and_who_deleted_a_view_stands_in_the_audit(world: World) -> None:
    owner, operator = world.browser(Role.OWNER), world.browser(Role.OPERATOR)
    owner.submit(way_to_delete(owner.page(keep(operator))), page="/operations")

    page = owner.page(f"/workspaces/{world.workspace.id}")

    deleted, saved = page.all('[data-action^="view_"]')
    assert (deleted["data-action"], saved["data-action"]) == (
        AuditAction.VIEW_DELETED,
        AuditAction.VIEW_SAVED,
    )
    for told, email in ((deleted, "owner-"), (saved, "operator-")):
        assert told.text.startswith(email)
        assert "“Failed restores”" in told.text


def test_a_stranger_can_neither_keep_nor_delete_one(world: World) -> None:
    owner = world.browser(Role.OWNER)
    delete = way_to_delete(owner.page(keep(owner)))
    stranger = world.browser(Role.OWNER, world.add_workspace("fabrikam", "Fabrikam"))
    values = {"name": "Mine", "keep_in": "contoso", "outcome": "failed"}

    assert stranger.submit(delete, page="/operations").status_code == 404
    assert stranger.submit("/operations/views", page="/operations", **values).status_code == 422
    assert "Mine" not in owner.read("/operations")


def test_a_reader_may_not_keep_one(world: World) -> None:
    values = {"name": "Mine", "keep_in": "contoso", "outcome": "failed"}

    answer = world.browser(Role.READER).submit("/operations/views", page="/operations", **values)

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("values", "field", "named"),
    [
        ({"name": " "}, "name", f"1 to {LONGEST_NAME}"),
        ({"name": "a" * (LONGEST_NAME + 1)}, "name", f"1 to {LONGEST_NAME}"),
        ({"name": "failed  RESTORES"}, "name", "“failed RESTORES”"),
        ({"type": "", "outcome": ""}, "filters", ""),
        ({"outcome": "bad"}, "outcome", "'bad'"),
        ({"keep_in": "elsewhere"}, "keep_in", ""),
    ],
)
def test_what_cannot_be_kept_is_refused_with_why(
    world: World, values: dict[str, str], field: str, named: str
) -> None:
    owner = world.browser(Role.OWNER)
    keep(owner)
    sent = {"name": "Another", "keep_in": "contoso", "type": "restore.execute", "outcome": "failed", **values}

    answer = owner.submit("/operations/views", page="/operations", **sent)

    assert answer.status_code == 422
    why = page_of(answer.text).says("detail")
    assert why.startswith(f"{field}: ")
    assert named in why


def test_what_people_call_a_view_is_only_text(world: World) -> None:
    path = keep(world.browser(Role.OWNER), name="<script>alert(1)</script>")

    assert "<script>alert" not in world.browser(Role.READER).read(path)
