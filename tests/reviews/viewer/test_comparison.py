import json
import re
from collections.abc import Sequence
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import pytest

from models.access import Role
from models.environment import Environment
from models.review import EnvironmentReview, ReviewStatus
from services.repositories.tree_objects import DAMAGED
from tests.git_repository import GitRepository
from tests.world import World

FIRST = {
    "windows/kept.json": '{"a": 1}',
    "windows/edited.json": json.dumps({"minimum": 8, "adminPassword": "hunter2"}),
    "windows/renamed.json": json.dumps({"name": "policy", "rules": [*range(20)]}),
    "windows/removed.json": '{"gone": true}',
    "README.md": "not an item",
}
SECOND = {
    "windows/edited.json": json.dumps(
        {"minimum": 12, "adminPassword": "hunter3", "lastModifiedDateTime": "2026-01-01T00:00:00Z"}
    ),
    "windows/renamed.json": None,
    "windows/moved.json": json.dumps({"name": "policy", "rules": [*range(21)]}),
    "windows/removed.json": None,
    "windows/added.json": "{}",
    "README.md": "another",
}
WARNING = {"code": "drifted", "severity": "warning", "title": "1 file differs", "items": ["a.json"]}
CRITICAL = {"code": "missing", "severity": "critical", "title": "1 file is missing", "items": ["b.json"]}


class Compared:
    """An environment on a real repository, and reviews of its commits."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.repository = GitRepository(world.folder)
        self.commits = [self.repository.commit(FIRST), self.repository.commit(SECOND, "Tighten")]
        self.environment = world.add_environment(
            "Live", repository_url=self.repository.url, path_prefix="windows", branch="main"
        )
        self.before = self.review(self.commits[0], findings=[WARNING])
        self.after = self.review(self.commits[1], findings=[CRITICAL])

    def review(
        self, commit: str, environment: Environment | None = None, findings: Sequence[dict[str, Any]] = ()
    ) -> EnvironmentReview:
        return self.world.review(
            environment=environment or self.environment, ref=commit, commit=commit, findings=[*findings]
        )

    def path(self, before: EnvironmentReview | None = None, after: EnvironmentReview | None = None) -> str:
        return f"/reviews/compare?from={(before or self.before).id}&to={(after or self.after).id}"


@pytest.fixture
def compared(world: World) -> Compared:
    return Compared(world)


def _items(page: str) -> list[tuple[str, str]]:
    """Return what is listed, by its kind of change."""
    return re.findall(r'</svg>(\w+)</span></td>\s*<th scope="row"><a[^>]*><code class="path">([^<]+)', page)


def test_it_tells_what_was_added_removed_renamed_and_changed(world: World, compared: Compared) -> None:
    page = world.browser(Role.READER).read(compared.path())

    assert _items(page) == [
        ("Added", "windows/added.json"),
        ("Changed", "windows/edited.json"),
        ("Renamed", "windows/moved.json"),
        ("Removed", "windows/removed.json"),
    ]
    assert 'was <code class="path">windows/renamed.json</code>' in page
    assert "by Ada," in page
    assert "Tighten" in page
    assert "README.md" not in page


def test_it_tells_settings_with_secrets_masked_and_bookkeeping_last(world: World, compared: Compared) -> None:
    page = world.browser(Role.READER).read(compared.path())

    assert re.search(
        r'minimum</code>\s*<span class="values"><code>8</code> <span[^>]*>→</span> <code>12', page
    )
    assert "adminPassword" in page
    assert "hunter" not in page
    assert "and 1 change of export bookkeeping</summary>" in page


def test_it_works_in_either_direction(world: World, compared: Compared) -> None:
    page = world.browser(Role.READER).read(compared.path(compared.after, compared.before))

    assert ("Removed", "windows/added.json") in _items(page)
    assert ("Added", "windows/removed.json") in _items(page)
    assert compared.path().replace("&", "&amp;") in page


def test_it_tells_which_findings_appeared_and_went(world: World, compared: Compared) -> None:
    page = world.browser(Role.READER).read(compared.path())

    appeared, gone = page.index("<h3>Appeared</h3>"), page.index("<h3>No longer there</h3>")
    assert appeared < page.index("1 file is missing") < gone < page.index("1 file differs")


def test_many_items_of_a_finding_are_named_in_part_and_lead_to_all_of_them(
    world: World, compared: Compared
) -> None:
    many = {**WARNING, "items": [f"{number:02}.json" for number in range(30)]}
    later = compared.review(compared.commits[1], findings=[many])

    page = world.browser(Role.READER).read(compared.path(compared.before, later))

    assert "<summary>30 items came</summary>" in page
    assert "<summary>1 item went</summary>" in page
    assert f'and 10 more, among <a href="/reviews/{later.id}/findings/drifted">' in page


@pytest.mark.parametrize(
    ("change", "left"),
    [("renamed", [("Renamed", "windows/moved.json")]), ("changed", [("Changed", "windows/edited.json")])],
)
def test_it_is_narrowed_by_kind_of_change(
    world: World, compared: Compared, change: str, left: list[tuple[str, str]]
) -> None:
    assert _items(world.browser(Role.READER).read(f"{compared.path()}&change={change}")) == left


def test_what_does_not_match_leads_back(world: World, compared: Compared) -> None:
    edited = compared.review(compared.repository.commit({"windows/kept.json": '{"a": 2}'}))

    page = world.browser(Role.READER).read(f"{compared.path(compared.after, edited)}&change=added")

    assert "No change matches." in page
    assert "Clear the filter" in page


def test_it_is_paged(world: World, compared: Compared) -> None:
    many = {f"windows/many/{number:02}.json": "{}" for number in range(50)}
    later = compared.review(compared.repository.commit(many))
    browser = world.browser(Role.READER)

    seen, path = [], compared.path(compared.after, later)
    while path:
        page = browser.read(path)
        seen.append(_items(page))
        found = re.search(r'href="([^"#]+)[^"]*" rel="next"', page)
        path = found[1].replace("&amp;", "&") if found else ""

    assert [len(items) for items in seen] == [20, 20, 10]
    assert [item for items in seen for _, item in items] == sorted(many)


def test_one_item_has_a_page_with_every_setting(world: World, compared: Compared) -> None:
    settings = {f"s{number:03}": number for number in range(250)}
    first = compared.review(compared.repository.commit({"windows/large.json": json.dumps(settings)}))
    second = compared.review(
        compared.repository.commit({"windows/large.json": json.dumps(dict.fromkeys(settings, -1))})
    )
    browser = world.browser(Role.READER)

    listed = browser.read(compared.path(first, second))
    own = re.search(r'href="([^"]+)">All settings of this item', listed)
    assert own is not None
    page = browser.read(own[1].replace("&amp;", "&"))
    following = re.search(r'href="([^"#]+)[^"]*" rel="next"', page)
    assert following is not None
    rest = browser.read(following[1].replace("&amp;", "&"))

    shown = [re.findall(r'<th scope="row"><code class="path">(s\d+)', each) for each in (page, rest)]
    assert [len(rows) for rows in shown] == [200, 50]


def test_an_item_that_does_not_differ_is_missing(world: World, compared: Compared) -> None:
    path = compared.path().replace("compare?", "compare/item?")

    assert world.browser(Role.READER).get(f"{path}&path=windows/kept.json").status_code == 404


def test_one_and_the_same_review_has_nothing_to_compare(world: World, compared: Compared) -> None:
    page = world.browser(Role.READER).read(compared.path(compared.before, compared.before))

    assert "These are one and the same review." in page


def test_reviews_of_equal_items_differ_in_nothing(world: World, compared: Compared) -> None:
    again = compared.review(compared.repository.commit({"README.md": "third"}))

    page = world.browser(Role.READER).read(compared.path(compared.after, again))

    assert "No item differs." in page


def test_a_repository_out_of_reach_is_told_as_such_and_not_as_no_change(
    world: World, compared: Compared, tmp_path: Path
) -> None:
    compared.repository.path.rename(tmp_path / "moved.git")

    answer = world.browser(Role.READER).get(compared.path())

    assert answer.status_code == 422
    assert "What changed could not be read." in answer.text
    assert "could not be read just now" in answer.text
    assert "No item differs" not in answer.text
    assert "1 file is missing" in answer.text
    assert "fatal" not in answer.text


def test_what_was_fetched_once_is_compared_without_the_repository(
    world: World, compared: Compared, tmp_path: Path
) -> None:
    browser = world.browser(Role.READER)
    seen = _items(browser.read(compared.path()))
    compared.repository.path.rename(tmp_path / "moved.git")

    assert _items(browser.read(compared.path())) == seen


def test_a_mirror_that_was_found_damaged_is_made_anew(world: World, compared: Compared) -> None:
    browser = world.browser(Role.READER)
    seen = _items(browser.read(compared.path()))
    mirror = world.services.mirrors.open(compared.environment.id, compared.environment.repository_url)
    for pack in mirror.path.glob("objects/pack/*"):
        pack.unlink()
    (mirror.path / DAMAGED).touch()

    assert _items(browser.read(compared.path())) == seen
    assert not (mirror.path / DAMAGED).exists()


def test_a_commit_that_is_gone_is_told_as_gone(world: World, compared: Compared) -> None:
    lost = compared.review("5f0c" * 10)

    answer = world.browser(Role.READER).get(compared.path(compared.before, lost))

    assert answer.status_code == 422
    assert "The repository no longer has the state" in answer.text


def test_it_waits_for_no_repository_when_all_slots_are_taken(world: World, compared: Compared) -> None:
    slots: BoundedSemaphore = world.services.fetch_slots
    browser = world.browser(Role.READER)
    while slots.acquire(blocking=False):
        pass

    answer = browser.get(compared.path())
    item = browser.get(compared.path().replace("compare?", "compare/item?") + "&path=windows/added.json")

    assert (answer.status_code, item.status_code) == (503, 503)
    assert "Too many repositories are being asked" in answer.text
    assert "Too many repositories are being asked" in item.text


def test_reviews_of_two_environments_are_not_compared(world: World, compared: Compared) -> None:
    other = compared.review(compared.commits[0], world.environment)

    for before, after in ((compared.before, other), (other, compared.before)):
        assert world.browser(Role.OWNER).get(compared.path(before, after)).status_code == 404


def test_strangers_and_customers_find_nothing(world: World, compared: Compared) -> None:
    published = world.review(
        ReviewStatus.PUBLISHED, environment=compared.environment, commit=compared.commits[1]
    )
    stranger = world.browser(Role.OWNER, world.add_workspace("fabrikam", "Fabrikam"))

    for path in (compared.path(), compared.path(published, published)):
        assert stranger.get(path).status_code == 404
        assert world.browser(Role.CUSTOMER).get(path).status_code == 404


def test_both_reviews_have_to_be_named(world: World, compared: Compared) -> None:
    browser = world.browser(Role.READER)

    missing = browser.get(f"/reviews/compare?from={compared.before.id}")
    assert missing.status_code == 422
    assert "to: name the two reviews" in missing.text
    assert browser.get(f"/reviews/compare?from={compared.before.id}&to=none").status_code == 404
    assert world.browser(None).get("/reviews/compare").status_code == 422


def test_others_can_be_chosen_without_a_script(world: World, compared: Compared) -> None:
    page = world.browser(Role.READER).read(compared.path())

    assert '<form class="filters" method="get" action="/reviews/compare">' in page
    assert re.findall(r'<option value="([^"]+)" selected>', page) == [
        str(compared.before.id),
        str(compared.after.id),
    ]
