"""The settings of changed items and the items of findings: folded where many, paged where very many."""

import re
from itertools import chain
from typing import Any

import pytest

from models.access import Role
from tests.factories import changed, setting
from tests.page import Part, page_of
from tests.reviews.viewer.parts import CHANGES, FINDINGS, following, numbers
from tests.world import World

BOOKKEEPING = [
    setting("lastModifiedDateTime", "2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z"),
    setting('["settings@odata.context"]', "https://a.example", "https://b.example"),
]
COMMITS = [
    {"id": "b" * 40, "author": "Grace", "at": "2026-11-03T10:00:00+00:00", "subject": "Tighten <it>"},
    {"id": "a" * 40, "author": "Ada", "at": "2026-11-02T10:00:00+00:00", "subject": "Begin"},
]


def _html(world: World, *settings: Any, path: str = "", **given: Any) -> str:
    review = world.review(changes=[changed("a.json", settings=[*settings], **given)])
    return world.browser(Role.READER).read(f"/reviews/{review.id}{path}")


def _row(world: World, *settings: Any, **given: Any) -> Part:
    """Return the row of the one item that changed."""
    return page_of(_html(world, *settings, **given)).one(f"{CHANGES} tbody > tr")


def test_few_settings_stand_open_with_what_they_were(world: World) -> None:
    row = _row(world, setting("passcode.minimum", 8, 12), setting("state", None, "on", "added"))

    minimum, state = row.all(".settings > li")
    assert minimum.texts(".values > code") == ["8", "12"]
    assert minimum.has(".values > code + .to + code")
    assert state.texts('.values > [data-says="now"] + code') == ['"on"']
    assert not row.has('[data-folded="settings"]')


def test_more_than_five_settings_are_folded(world: World) -> None:
    row = _row(world, *(setting(f"s{number}") for number in range(6)))

    folded = row.one('details[data-folded="settings"]:not([open])')
    assert numbers(folded.one("summary").text) == [6]
    assert folded.texts(".settings .path") == [f"s{number}" for number in range(6)]
    assert len(row.all(".settings .path")) == 6


def test_bookkeeping_comes_last_and_is_folded(world: World) -> None:
    row = _row(world, *BOOKKEEPING, setting("passcode.minimum", 8, 12))

    folded = row.one('details[data-folded="and-bookkeeping"]:not([open])')
    assert numbers(folded.one("summary").text) == [2]
    assert row.texts(".settings .path") == ["passcode.minimum", *folded.texts(".settings .path")]
    assert "lastModifiedDateTime" in folded.texts(".settings .path")
    assert not row.has('[data-folded="settings"]')


def test_bookkeeping_alone_does_not_look_like_a_setting(world: World) -> None:
    row = _row(world, *BOOKKEEPING)

    assert numbers(row.one('details[data-folded="bookkeeping"] > summary').text) == [2]


def test_very_many_settings_lead_to_a_page_of_their_own(world: World) -> None:
    row = _row(world, *(setting(f"s{number:03}") for number in range(70)))

    assert row.texts(".settings .path") == [f"s{number:03}" for number in range(50)]
    assert numbers(row.says("first")) == [50, 70]
    own = row.one('a[data-says="all-settings"]')["href"]
    assert re.fullmatch("/reviews/[^/]+/changes/0", own)


def test_a_long_value_is_whole_on_its_own_page(world: World) -> None:
    review = world.review(changes=[changed("a.json", settings=[setting("text", "a", "x" * 1000)])])
    browser = world.browser(Role.READER)

    assert "x" * 1000 not in browser.read(f"/reviews/{review.id}")
    assert browser.page(f"/reviews/{review.id}").says("all-settings")
    assert "x" * 1000 in browser.read(f"/reviews/{review.id}/changes/0")


def test_a_page_of_settings_goes_on_where_the_one_before_ended(world: World) -> None:
    settings = [setting(f"s{number:03}") for number in range(350)] + BOOKKEEPING * 100
    review = world.review(changes=[changed("a.json", settings=settings)])
    browser = world.browser(Role.READER)

    seen, path = [], f"/reviews/{review.id}/changes/0"
    while path:
        page = browser.page(path)
        seen.append(page.texts('th[scope="row"] > .path'))
        path = following(page) or ""

    assert [len(rows) for rows in seen] == [200, 200, 150]
    assert [*chain(*seen)][:350] == [f"s{number:03}" for number in range(350)]
    first = browser.page(f"/reviews/{review.id}/changes/0")
    assert numbers(first.says("counts")) == [350, 200]


def test_what_came_or_went_whole_is_told_by_what_it_holds(world: World) -> None:
    held = {
        "id": "3",
        "@odata.type": "#microsoft.graph.setting",
        "settingInstance": {"value": 12, "settingDefinitionId": "passcode", "children": [], "none": None},
    }
    path = "settings[settingInstance.settingDefinitionId=passcode]"
    review = world.review(
        changes=[
            changed(
                "a.json",
                settings=[setting(path, None, held, "added"), setting("list", [1, 2], None, "removed")],
            )
        ]
    )
    browser = world.browser(Role.READER)

    beside, own = browser.read(f"/reviews/{review.id}"), browser.read(f"/reviews/{review.id}/changes/0")

    came, went = page_of(beside).all(".settings > li")
    assert came.texts('.values > [data-says="now"] ~ *') == ["settingInstance.value: 12"]
    assert went.texts('.values > [data-says="was"] ~ *') == ["[0]: 1", "[1]: 2"]
    assert len(came.all(".leaf") + went.all(".leaf")) == 3
    assert "#microsoft.graph.setting" not in beside
    assert "#microsoft.graph.setting" in own


@pytest.mark.parametrize("position", ["1", "99999999999999999999", "-1", "x"])
def test_a_change_that_is_not_there_is_missing(world: World, position: str) -> None:
    review = world.review(changes=[changed("a.json")])

    assert world.browser(Role.READER).get(f"/reviews/{review.id}/changes/{position}").status_code == 404


def test_it_says_who_changed_an_item_and_when(world: World) -> None:
    row = _row(world, commits=COMMITS)

    newest = row.one('[data-says="newest-commit"]')
    at = newest.one("time")
    assert at["datetime"] == "2026-11-03T10:00:00+00:00"
    assert f"Grace, {at.text}" in newest.text
    assert "Tighten <it>" in newest.text
    assert numbers(row.one('details[data-folded="commits"]:not([open]) > summary').text) == [2]


def test_what_would_turn_its_neighbours_round_is_written_out(world: World) -> None:
    answer = _html(world, setting("\u202etxt.exe", "\u202e", "<b>"), path="/changes/0")

    assert "\u202e" not in answer
    assert page_of(answer).texts('th[scope="row"] > .path') == ["\\u{202e}txt.exe"]
    assert page_of(answer).texts("tbody td > code")[1:] == ['"<b>"']


def test_a_new_item_says_that_there_is_nothing_to_compare(world: World) -> None:
    assert page_of(_html(world, change="added", path="/changes/0")).says("whole")


def test_a_finding_of_many_items_has_pages_of_its_own(world: World) -> None:
    items = [f"policies/{number:04}.json" for number in range(450)]
    finding = {"code": "baseline_drifted", "severity": "warning", "title": "450 differ", "items": items}
    review = world.review(findings=[finding])
    browser = world.browser(Role.READER)

    page = browser.page(f"/reviews/{review.id}")
    assert page.texts(".path") == items[:5]
    assert numbers(page.one(f"{FINDINGS} article").says("first")) == [5, 450, 450]

    seen, path = [], f"/reviews/{review.id}/findings/baseline_drifted"
    while path:
        page = browser.page(path)
        seen.append(page.texts(".path"))
        path = following(page) or ""
    assert [*chain(*seen)] == items
    assert len(seen) == 3
    assert numbers(page.says("range")) == [401, 450, 450]


def test_a_finding_that_is_not_there_is_missing(world: World) -> None:
    assert world.browser(Role.READER).get(f"/reviews/{world.review().id}/findings/x").status_code == 404
