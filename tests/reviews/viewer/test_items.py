"""The settings of changed items and the items of findings: folded where many, paged where very many."""

import re
from itertools import chain
from typing import Any

import pytest

from models.access import Role
from tests.factories import changed, setting
from tests.world import World

BOOKKEEPING = [
    setting("lastModifiedDateTime", "2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z"),
    setting('["settings@odata.context"]', "https://a.example", "https://b.example"),
]
COMMITS = [
    {"id": "b" * 40, "author": "Grace", "at": "2026-11-03T10:00:00+00:00", "subject": "Tighten <it>"},
    {"id": "a" * 40, "author": "Ada", "at": "2026-11-02T10:00:00+00:00", "subject": "Begin"},
]


def _read(world: World, *settings: Any, path: str = "", **given: Any) -> str:
    review = world.review(changes=[changed("a.json", settings=[*settings], **given)])
    return world.browser(Role.READER).read(f"/reviews/{review.id}{path}")


def _following(page: str) -> str | None:
    found = re.search(r'href="([^"#]+)[^"]*" rel="next"', page)
    return found[1].replace("&amp;", "&") if found else None


def test_few_settings_stand_open_with_what_they_were(world: World) -> None:
    page = _read(world, setting("passcode.minimum", 8, 12), setting("state", None, "on", "added"))

    assert re.search(r"<code>8</code> <span[^>]*>→</span> <code>12</code>", page)
    assert re.search(r"now</span> <code>&#34;on&#34;</code>", page)
    assert "<summary>2 settings" not in page


def test_more_than_five_settings_are_folded(world: World) -> None:
    page = _read(world, *(setting(f"s{number}") for number in range(6)))

    assert "<details><summary>6 settings</summary>" in page
    assert page.count('<code class="path">s') == 6


def test_bookkeeping_comes_last_and_is_folded(world: World) -> None:
    page = _read(world, *BOOKKEEPING, setting("passcode.minimum", 8, 12))

    assert "and 2 changes of export bookkeeping</summary>" in page
    assert page.index("passcode.minimum") < page.index("lastModifiedDateTime")
    assert "<summary>3 settings" not in page


def test_bookkeeping_alone_does_not_look_like_a_setting(world: World) -> None:
    page = _read(world, *BOOKKEEPING)

    assert "<summary>2 changes of export bookkeeping</summary>" in page


def test_very_many_settings_lead_to_a_page_of_their_own(world: World) -> None:
    page = _read(world, *(setting(f"s{number:03}") for number in range(70)))

    assert page.count('<code class="path">s') == 50
    assert "The first 50 of 70 settings." in page
    assert re.search(r'href="/reviews/[^"]+/changes/0">All settings of this item', page)


def test_a_long_value_is_whole_on_its_own_page(world: World) -> None:
    review = world.review(changes=[changed("a.json", settings=[setting("text", "a", "x" * 1000)])])
    browser = world.browser(Role.READER)

    assert "x" * 1000 not in browser.read(f"/reviews/{review.id}")
    assert "All settings of this item" in browser.read(f"/reviews/{review.id}")
    assert "x" * 1000 in browser.read(f"/reviews/{review.id}/changes/0")


def test_a_page_of_settings_goes_on_where_the_one_before_ended(world: World) -> None:
    settings = [setting(f"s{number:03}") for number in range(350)] + BOOKKEEPING * 100
    review = world.review(changes=[changed("a.json", settings=settings)])
    browser = world.browser(Role.READER)

    seen, path = [], f"/reviews/{review.id}/changes/0"
    while path:
        page = browser.read(path)
        seen.append(re.findall(r'<th scope="row"><code class="path">([^<]+)', page))
        path = _following(page) or ""

    assert [len(rows) for rows in seen] == [200, 200, 150]
    assert [*chain(*seen)][:350] == [f"s{number:03}" for number in range(350)]
    assert "350 settings, then 200 changes of export bookkeeping." in browser.read(
        f"/reviews/{review.id}/changes/0"
    )


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

    (leaf,) = re.findall(r'now</span> <code class="leaf">([^<]+)</code></span>', beside)
    assert leaf == "settingInstance.value: 12"
    assert '<code class="leaf">[0]: 1</code> <code class="leaf">[1]: 2</code>' in beside
    assert "#microsoft.graph.setting" not in beside
    assert "#microsoft.graph.setting" in own


@pytest.mark.parametrize("position", ["1", "99999999999999999999", "-1", "x"])
def test_a_change_that_is_not_there_is_missing(world: World, position: str) -> None:
    review = world.review(changes=[changed("a.json")])

    assert world.browser(Role.READER).get(f"/reviews/{review.id}/changes/{position}").status_code == 404


def test_it_says_who_changed_an_item_and_when(world: World) -> None:
    page = _read(world, commits=COMMITS)

    assert 'by Grace, <time datetime="2026-11-03T10:00:00+00:00">' in page
    assert "Tighten &lt;it&gt;" in page
    assert "<summary>2 commits</summary>" in page


def test_what_would_turn_its_neighbours_round_is_written_out(world: World) -> None:
    page = _read(world, setting("\u202etxt.exe", "\u202e", "<b>"), path="/changes/0")

    assert "\u202e" not in page
    assert "\\u{202e}txt.exe" in page
    assert "&lt;b&gt;" in page


def test_a_new_item_says_that_there_is_nothing_to_compare(world: World) -> None:
    assert "The whole item was added" in _read(world, change="added", path="/changes/0")


def test_a_finding_of_many_items_has_pages_of_its_own(world: World) -> None:
    items = [f"policies/{number:04}.json" for number in range(450)]
    finding = {"code": "baseline_drifted", "severity": "warning", "title": "450 differ", "items": items}
    review = world.review(findings=[finding])
    browser = world.browser(Role.READER)

    page = browser.read(f"/reviews/{review.id}")
    assert page.count('<code class="path">policies/') == 5
    assert "The first 5 of 450 items." in page

    seen, path = [], f"/reviews/{review.id}/findings/baseline_drifted"
    while path:
        page = browser.read(path)
        seen.append(re.findall(r'<code class="path">([^<]+)', page))
        path = _following(page) or ""
    assert [*chain(*seen)] == items
    assert len(seen) == 3
    assert "401 to 450 of 450" in page


def test_a_finding_that_is_not_there_is_missing(world: World) -> None:
    assert world.browser(Role.READER).get(f"/reviews/{world.review().id}/findings/x").status_code == 404
