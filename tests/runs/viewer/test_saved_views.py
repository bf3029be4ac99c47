"""Lists that a workspace keeps by name."""

import re

import pytest

from models.access import Role
from tests.clients import Browser
from tests.world import World


def keep(browser: Browser, name: str = "Failed restores", **values: str) -> str:
    filters = {"type": "restore.execute", "outcome": "failed"}
    answer = browser.submit(
        "/operations/views", page="/operations", **{"name": name, "keep_in": "contoso", **filters, **values}
    )
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def views(page: str) -> list[str]:
    offered = page.split('<nav class="views"')[1].split("</nav>", maxsplit=1)[0]
    return re.findall(r"<a [^>]+>([^<]+)</a>", offered)


def test_a_view_is_there_for_everybody_in_the_workspace(world: World) -> None:
    path = keep(world.browser(Role.OPERATOR))

    page = world.browser(Role.READER).read(path)

    assert path == "/operations?type=restore.execute&outcome=failed&workspace=contoso"
    assert views(page) == ["Everything", "Asked for by me", "Failed restores"]
    assert re.search(r'aria-current="true">Failed restores</a>', page)


def test_a_view_is_not_there_for_anybody_else(world: World) -> None:
    theirs = world.add_workspace("fabrikam", "Fabrikam")
    keep(world.browser(Role.OWNER))

    assert "Failed restores" not in world.browser(Role.OWNER, theirs).read("/operations")


def test_whoever_may_act_may_delete_a_view_and_a_reader_may_not(world: World) -> None:
    owner, reader = world.browser(Role.OWNER), world.browser(Role.READER)
    path = keep(owner)
    delete = re.search(r'action="(/operations/views/[^"]+/delete)"', owner.read(path))
    assert delete

    assert "/delete" not in reader.read(path)
    assert reader.submit(delete[1], page="/operations").status_code == 403
    assert owner.submit(delete[1], page="/operations").status_code == 303
    assert "Failed restores" not in owner.read("/operations")
    assert owner.submit(delete[1], page="/operations").status_code == 404


def test_who_saved_and_who_deleted_a_view_stands_in_the_audit(world: World) -> None:
    owner, operator = world.browser(Role.OWNER), world.browser(Role.OPERATOR)
    path = keep(operator)
    delete = re.search(r'action="(/operations/views/[^"]+/delete)"', owner.read(path))
    assert delete
    owner.submit(delete[1], page="/operations")

    page = owner.read(f"/workspaces/{world.workspace.id}")

    saved, deleted = (page.find(f"{word} the view “Failed restores”.") for word in ("saved", "deleted"))
    assert 0 < deleted < saved


def test_a_stranger_can_neither_keep_nor_delete_one(world: World) -> None:
    owner = world.browser(Role.OWNER)
    delete = re.search(r'action="(/operations/views/[^"]+/delete)"', owner.read(keep(owner)))
    stranger = world.browser(Role.OWNER, world.add_workspace("fabrikam", "Fabrikam"))
    values = {"name": "Mine", "keep_in": "contoso", "outcome": "failed"}

    assert delete
    assert stranger.submit(delete[1], page="/operations").status_code == 404
    assert stranger.submit("/operations/views", page="/operations", **values).status_code == 422
    assert "Mine" not in owner.read("/operations")


def test_a_reader_may_not_keep_one(world: World) -> None:
    values = {"name": "Mine", "keep_in": "contoso", "outcome": "failed"}

    answer = world.browser(Role.READER).submit("/operations/views", page="/operations", **values)

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": " "}, "name of 1 to 60"),
        ({"name": "a" * 61}, "name of 1 to 60"),
        ({"name": "failed  RESTORES"}, "a view “failed RESTORES” already"),
        ({"type": "", "outcome": ""}, "narrow the list first"),
        ({"outcome": "bad"}, "there is no"),
        ({"keep_in": "elsewhere"}, "choose the workspace"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_why(world: World, values: dict[str, str], message: str) -> None:
    owner = world.browser(Role.OWNER)
    keep(owner)
    sent = {"name": "Another", "keep_in": "contoso", "type": "restore.execute", "outcome": "failed", **values}

    answer = owner.submit("/operations/views", page="/operations", **sent)

    assert answer.status_code == 422
    assert message in answer.text


def test_what_people_call_a_view_is_only_text(world: World) -> None:
    path = keep(world.browser(Role.OWNER), name="<script>alert(1)</script>")

    assert "<script>alert" not in world.browser(Role.READER).read(path)
