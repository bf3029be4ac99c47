"""The audit of a workspace as its owners read it."""

import pytest

from models.access import AuditAction, Role
from services.access.audit import Audit
from tests.factories import ADA
from tests.world import World
from web.accounts.audit_wording import ACTS


def record(world: World, *subjects: str) -> None:
    for subject in subjects:
        with world.database.transaction() as session:
            Audit(session=session, workspace_id=world.workspace.id, actor=ADA).record(
                AuditAction.VIEW_SAVED, subject
            )


def path(world: World, rest: str = "") -> str:
    return f"/workspaces/{world.workspace.id}/audit{rest}"


def test_it_shows_who_did_what_and_by_which_request(world: World) -> None:
    record(world, "Mine")
    owner = world.browser(Role.OWNER)
    page = owner.page(path(world))

    acts = [row["data-action"] for row in page.all("tr[data-action]")]
    assert acts == ["signed_in", "sign_in_link_created", "view_saved"]
    assert "127.0.0.1" in page.all("tr[data-action]")[0].text
    assert page.has(f'a[href="{path(world, ".csv")}"]')


def test_it_narrows_by_act_and_actor_and_so_does_its_file(world: World) -> None:
    record(world, "Mine", "Yours")
    owner = world.browser(Role.OWNER)
    query = f"?act=view_saved&actor={ADA.name}"

    page = owner.page(path(world, query))

    assert [row["data-action"] for row in page.all("tr[data-action]")] == ["view_saved"] * 2
    (link,) = [each["href"] for each in page.all("a[download]")]
    assert len(owner.get(link).get_data(as_text=True).splitlines()) == 3
    assert owner.page(path(world, "?actor=nobody")).has('[data-empty="no-entry"]')
    assert owner.get(path(world, "?act=meddling")).status_code == 422


def test_a_page_has_fifty_and_leads_on(world: World) -> None:
    record(world, *map(str, range(60)))
    owner = world.browser(Role.OWNER)
    page = owner.page(path(world, "?act=view_saved"))
    assert len(page.all("tr[data-action]")) == 50
    following = owner.page(page.one('a[rel="next"]')["href"])
    assert len(following.all("tr[data-action]")) == 10


@pytest.mark.parametrize("rest", ["", ".csv"])
def test_it_is_for_owners_alone(world: World, rest: str) -> None:
    assert world.browser(Role.OPERATOR).get(path(world, rest)).status_code == 403
    assert world.browser(Role.CUSTOMER).get(path(world, rest)).status_code == 404
    assert world.browser(Role.OWNER, world.add_workspace("b", "B")).get(path(world, rest)).status_code == 404


def test_every_act_has_its_words() -> None:
    assert set(ACTS) == set(AuditAction)
