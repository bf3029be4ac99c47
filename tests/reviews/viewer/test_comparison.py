import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from models.access import Role
from models.environment import Environment
from models.errors import RefNotFound, RepositoryError, TooManyFetches
from models.review import EnvironmentReview, ReviewStatus
from services.repositories.diff import Change
from services.repositories.tree_objects import DAMAGED
from tests.git_repository import GitRepository
from tests.page import Part, page_of
from tests.reviews.viewer.parts import FINDINGS, error, following, numbers
from tests.world import World
from web.context import FETCHES_AT_ONCE
from web.reviews.comparison import unread
from web.reviews.wording import OF_CHANGE

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
ADDED, CHANGED, RENAMED, REMOVED = (
    OF_CHANGE[change].word for change in (Change.ADDED, Change.CHANGED, Change.RENAMED, Change.REMOVED)
)
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


def _items(page: Part) -> list[tuple[str, str]]:
    """Return what is listed, by the word for its kind of change."""
    rows = page.all("table.changes tbody > tr")
    return [(row.one(".is > .state").text, row.one("a.item > .path").text) for row in rows]


def _row(page: Part, path: str) -> Part:
    (row,) = (row for row in page.all("tbody > tr") if row.one("a.item > .path").text == path)
    return row


def test_it_tells_what_was_added_removed_renamed_and_changed(world: World, compared: Compared) -> None:
    answer = world.browser(Role.READER).read(compared.path())

    page = page_of(answer)
    assert _items(page) == [
        (ADDED, "windows/added.json"),
        (CHANGED, "windows/edited.json"),
        (RENAMED, "windows/moved.json"),
        (REMOVED, "windows/removed.json"),
    ]
    assert _row(page, "windows/moved.json").texts(".say > .path") == ["windows/renamed.json"]
    commit = _row(page, "windows/edited.json").one('[data-says="newest-commit"]')
    assert f"Ada, {commit.one('time').text}" in commit.text
    assert "Tighten" in commit.text
    assert "README.md" not in answer


def test_it_tells_settings_with_secrets_masked_and_bookkeeping_last(world: World, compared: Compared) -> None:
    answer = world.browser(Role.READER).read(compared.path())

    edited = _row(page_of(answer), "windows/edited.json")
    (minimum,) = (each for each in edited.all(".settings > li") if each.one(".path").text == "minimum")
    assert minimum.texts(".values > code") == ["8", "12"]
    assert minimum.has(".values > code + .to + code")
    assert "adminPassword" in edited.texts(".settings .path")
    assert "hunter" not in answer
    assert numbers(edited.one('details[data-folded="and-bookkeeping"] > summary').text) == [1]


def test_it_works_in_either_direction(world: World, compared: Compared) -> None:
    page = world.browser(Role.READER).page(compared.path(compared.after, compared.before))

    assert (REMOVED, "windows/added.json") in _items(page)
    assert (ADDED, "windows/removed.json") in _items(page)
    assert page.has(f'a[href="{compared.path()}"]')


def test_it_tells_which_findings_appeared_and_went(world: World, compared: Compared) -> None:
    page = world.browser(Role.READER).page(compared.path())

    appeared, gone = page.says("appeared"), page.says("gone")
    shown = [appeared, "1 file is missing", gone, "1 file differs"]
    assert page.texts(f"{FINDINGS} :is(h3, h4)") == shown


def test_many_items_of_a_finding_are_named_in_part_and_lead_to_all_of_them(
    world: World, compared: Compared
) -> None:
    many = {**WARNING, "items": [f"{number:02}.json" for number in range(30)]}
    later = compared.review(compared.commits[1], findings=[many])

    page = world.browser(Role.READER).page(compared.path(compared.before, later))

    came, went = page.one('[data-items="came"]'), page.one('[data-items="went"]')
    assert numbers(came.one("summary").text) == [30]
    assert numbers(went.one("summary").text) == [1]
    assert numbers(came.says("more")) == [10]
    assert came.one('[data-says="more"] > a')["href"] == f"/reviews/{later.id}/findings/drifted"


@pytest.mark.parametrize(
    ("change", "left"),
    [("renamed", [(RENAMED, "windows/moved.json")]), ("changed", [(CHANGED, "windows/edited.json")])],
)
def test_it_is_narrowed_by_kind_of_change(
    world: World, compared: Compared, change: str, left: list[tuple[str, str]]
) -> None:
    assert _items(world.browser(Role.READER).page(f"{compared.path()}&change={change}")) == left


def test_what_does_not_match_leads_back(world: World, compared: Compared) -> None:
    edited = compared.review(compared.repository.commit({"windows/kept.json": '{"a": 2}'}))

    page = world.browser(Role.READER).page(f"{compared.path(compared.after, edited)}&change=added")

    back = page.one('[data-empty="no-match"] a')["href"]
    assert back == f"{compared.path(compared.after, edited)}#changes"


def test_it_is_paged(world: World, compared: Compared) -> None:
    many = {f"windows/many/{number:02}.json": "{}" for number in range(50)}
    later = compared.review(compared.repository.commit(many))
    browser = world.browser(Role.READER)

    seen, path = [], compared.path(compared.after, later)
    while path:
        page = browser.page(path)
        seen.append(_items(page))
        path = following(page) or ""

    assert [len(items) for items in seen] == [20, 20, 10]
    assert [item for items in seen for _, item in items] == sorted(many)


def test_one_item_has_a_page_with_every_setting(world: World, compared: Compared) -> None:
    settings = {f"s{number:03}": number for number in range(250)}
    first = compared.review(compared.repository.commit({"windows/large.json": json.dumps(settings)}))
    second = compared.review(
        compared.repository.commit({"windows/large.json": json.dumps(dict.fromkeys(settings, -1))})
    )
    browser = world.browser(Role.READER)

    listed = browser.page(compared.path(first, second))
    page = browser.page(listed.one('a[data-says="all-settings"]')["href"])
    after = following(page)
    assert after is not None
    rest = browser.page(after)

    shown = [each.texts('th[scope="row"] > .path') for each in (page, rest)]
    assert shown == [sorted(settings)[:200], sorted(settings)[200:]]


def test_an_item_that_does_not_differ_is_missing(world: World, compared: Compared) -> None:
    path = compared.path().replace("compare?", "compare/item?")

    assert world.browser(Role.READER).get(f"{path}&path=windows/kept.json").status_code == 404


def test_one_and_the_same_review_has_nothing_to_compare(world: World, compared: Compared) -> None:
    page = world.browser(Role.READER).page(compared.path(compared.before, compared.before))

    assert page.has('[data-empty="same"]')


def test_reviews_of_equal_items_differ_in_nothing(world: World, compared: Compared) -> None:
    again = compared.review(compared.repository.commit({"README.md": "third"}))

    page = world.browser(Role.READER).page(compared.path(compared.after, again))

    assert page.has('[data-empty="no-difference"]')


def test_a_repository_out_of_reach_is_told_as_such_and_not_as_no_change(
    world: World, compared: Compared, tmp_path: Path
) -> None:
    compared.repository.path.rename(tmp_path / "moved.git")

    answer = world.browser(Role.READER).get(compared.path())

    assert answer.status_code == 422
    page = page_of(answer.text)
    assert page.one('[role="alert"]').text == f"{page.says('unread')} {unread(RepositoryError())}"
    assert not page.has('[data-empty="no-difference"]')
    assert "1 file is missing" in page.texts(f"{FINDINGS} h4")
    assert "fatal" not in answer.text


def test_what_was_fetched_once_is_compared_without_the_repository(
    world: World, compared: Compared, tmp_path: Path
) -> None:
    browser = world.browser(Role.READER)
    seen = _items(browser.page(compared.path()))
    compared.repository.path.rename(tmp_path / "moved.git")

    assert _items(browser.page(compared.path())) == seen


def test_a_mirror_that_was_found_damaged_is_made_anew(world: World, compared: Compared) -> None:
    browser = world.browser(Role.READER)
    seen = _items(browser.page(compared.path()))
    mirror = world.services.mirrors.open(compared.environment)
    for pack in mirror.path.glob("objects/pack/*"):
        pack.unlink()
    (mirror.path / DAMAGED).touch()

    assert _items(browser.page(compared.path())) == seen
    assert not (mirror.path / DAMAGED).exists()


def test_a_commit_that_is_gone_is_told_as_gone(world: World, compared: Compared) -> None:
    lost = compared.review("5f0c" * 10)

    answer = world.browser(Role.READER).get(compared.path(compared.before, lost))

    assert answer.status_code == 422
    assert unread(RefNotFound("5f0c" * 10)) in page_of(answer.text).one('[role="alert"]').text


def test_it_waits_for_no_repository_when_all_slots_are_taken(world: World, compared: Compared) -> None:
    browser = world.browser(Role.READER)
    for _ in range(FETCHES_AT_ONCE):
        world.services.fetch_slots.take(uuid4())

    answer = browser.get(compared.path())
    item = browser.get(compared.path().replace("compare?", "compare/item?") + "&path=windows/added.json")

    assert (answer.status_code, item.status_code) == (503, 503)
    for refused in (answer, item):
        assert unread(TooManyFetches()) in page_of(refused.text).one('[role="alert"]').text


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
    assert [said for said in error(page_of(missing.text), "422") if said.startswith("to: ")]
    assert browser.get(f"/reviews/compare?from={compared.before.id}&to=none").status_code == 404
    assert world.browser(None).get("/reviews/compare").status_code == 422


def test_others_can_be_chosen_without_a_script(world: World, compared: Compared) -> None:
    page = world.browser(Role.READER).page(compared.path())

    assert page.has('form.filters[method="get"][action="/reviews/compare"]')
    assert [option["value"] for option in page.all("option[selected]")] == [
        str(compared.before.id),
        str(compared.after.id),
    ]
