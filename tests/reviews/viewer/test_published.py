import io
import re
import zipfile
from collections.abc import Callable

import pytest

from models.access import Role
from models.review import EnvironmentReview, ReviewStatus
from services.reports.html import content_security_policy
from tests.clients import Browser
from tests.factories import changed, setting
from tests.page import Part, page_of
from tests.reviews.viewer.parts import CHANGES, FINDINGS
from tests.world import World
from web.ui.navigation import ENVIRONMENTS, OPERATIONS, PUBLISHED

NOWHERE = "01890000-0000-7000-8000-000000000000"
FOUND = [
    {
        "code": "drifted",
        "severity": "warning",
        "title": "Items differ",
        "items": ["b.json"],
        "advice": "Look at each.",
    }
]
PATHS = ["", "/findings/drifted", "/changes/0", "/report/executive.html", "/report/audit.pdf", "/pack.zip"]
UNPUBLISHED: dict[str, Callable[[World], EnvironmentReview]] = {
    "draft": lambda world: _review(world, ReviewStatus.DRAFT),
    "superseded": lambda world: world.superseded()[0],
    "archived": lambda world: world.archived(),
}


def _review(world: World, status: ReviewStatus = ReviewStatus.PUBLISHED) -> EnvironmentReview:
    changes = [changed("a.json", settings=[setting("minimum", 8, 12)])]
    return world.review(status, findings=FOUND, changes=changes, ref="v1")


def _nav(page: Part) -> list[str]:
    return page.one('nav[aria-label="Main"]').texts("a")


def _listed(page: Part) -> list[str]:
    return [link["href"] for link in page.all('[href^="/published/"]')]


@pytest.fixture
def customer(world: World) -> Browser:
    return world.browser(Role.CUSTOMER)


def test_a_customer_lands_on_what_was_published_and_sees_only_that(world: World) -> None:
    browser = Browser(world.app.test_client())
    link = world.link_for(world.add_person(Role.CUSTOMER))

    answer = browser.submit(link, page=link)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/published")
    assert browser.get("/").headers["Location"] == "/published"
    assert _nav(browser.page("/published")) == [PUBLISHED.label]


def test_others_have_it_beside_the_rest(world: World) -> None:
    browser = world.browser(Role.READER)

    places = [OPERATIONS.label, ENVIRONMENTS.label, PUBLISHED.label]
    assert _nav(browser.page("/published")) == places


def test_what_a_customer_may_not_see_leads_them_back(customer: Browser) -> None:
    answer = customer.get("/reviews/" + NOWHERE)

    assert answer.status_code == 404
    assert page_of(answer.text).one('main a.button[href="/published"]').text == PUBLISHED.label
    assert "/operations" not in answer.text


def test_it_lists_published_reviews_alone(world: World, customer: Browser) -> None:
    _, published = world.superseded()
    world.archived()
    world.review(ref="draft")

    page = customer.page("/published")

    assert _listed(page) == [f"/published/{published.id}"]
    assert page.texts("a.lead") == ["Windows devices"]


def test_it_lists_every_environment_of_every_workspace_in_scope(world: World) -> None:
    own = _review(world)
    other_workspace = world.add_workspace("fabrikam", "Fabrikam")
    other = world.add_environment("Servers", other_workspace)
    foreign = world.review(ReviewStatus.PUBLISHED, environment=other)

    page = world.browser(Role.CUSTOMER).page("/published")
    elsewhere = world.browser(Role.CUSTOMER, other_workspace).page("/published")

    assert _listed(page) == [f"/published/{own.id}"]
    assert _listed(elsewhere) == [f"/published/{foreign.id}"]


def test_nothing_published_says_so(customer: Browser) -> None:
    assert customer.page("/published").has('[data-empty="nothing-yet"]')


def test_a_customer_reads_it_whole_and_can_change_nothing(world: World, customer: Browser) -> None:
    review = _review(world)

    answer = customer.read(f"/published/{review.id}")

    main = page_of(answer).one("main#main")
    assert main.texts(f"{FINDINGS} article > h3") == ["Items differ"]
    assert "Look at each." not in answer  # what to do about it is for those who manage the environment
    assert main.texts(f"{CHANGES} .values > code") == ["8", "12"]
    assert main.has(f"{CHANGES} .values > code + .to + code")
    assert not main.has('[method="post"]')
    inner = {re.split("[#?]", link["href"])[0] for link in main.all('[href^="/"]')}
    assert inner
    assert all(href == "/published" or href.startswith(f"/published/{review.id}") for href in inner), inner


def test_every_link_of_the_page_can_be_followed(world: World, customer: Browser) -> None:
    review = _review(world)

    page = customer.page(f"/published/{review.id}")

    for href in {link["href"].partition("#")[0] for link in page.all('[href^="/published"]')}:
        assert customer.get(href).status_code == 200, href


def test_it_is_narrowed_by_the_address_too(world: World, customer: Browser) -> None:
    page = customer.page(f"/published/{_review(world).id}?change=added&severity=critical")

    assert page.has(f'{CHANGES} [data-empty="no-match"]')
    assert page.has(f'{FINDINGS} [data-empty="no-match"]')


def test_reports_and_pack_are_given(world: World, customer: Browser) -> None:
    path = f"/published/{_review(world).id}"

    report = customer.get(f"{path}/report/executive.html")
    pack = customer.get(f"{path}/pack.zip")

    assert report.headers["Content-Security-Policy"] == content_security_policy()
    assert report.headers["Cache-Control"] == "private, no-cache"
    with zipfile.ZipFile(io.BytesIO(pack.data)) as archive:
        assert "reports/audit.pdf" in archive.namelist()
    assert customer.get(f"{path}/report/board.html").status_code == 404


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("status", UNPUBLISHED)
@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.OWNER])
def test_what_is_not_published_looks_like_what_is_not_there(
    world: World, status: str, path: str, role: Role
) -> None:
    review = UNPUBLISHED[status](world)
    browser = world.browser(role)

    answer, absent = browser.get(f"/published/{review.id}{path}"), browser.get(f"/published/{NOWHERE}{path}")

    assert answer.status_code == absent.status_code == 404
    assert _without_token(answer.text) == _without_token(absent.text)


@pytest.mark.parametrize("path", PATHS)
def test_another_workspaces_review_looks_like_what_is_not_there(world: World, path: str) -> None:
    review = _review(world)
    browser = world.browser(Role.CUSTOMER, world.add_workspace("fabrikam", "Fabrikam"))

    answer, absent = browser.get(f"/published/{review.id}{path}"), browser.get(f"/published/{NOWHERE}{path}")

    assert answer.status_code == absent.status_code == 404
    assert _without_token(answer.text) == _without_token(absent.text)


@pytest.mark.parametrize("path", PATHS)
def test_the_pages_of_those_who_manage_are_not_there_for_customers(
    world: World, customer: Browser, path: str
) -> None:
    assert customer.get(f"/reviews/{_review(world).id}{path}").status_code == 404


def test_what_is_superseded_leaves_the_customers_at_once(world: World, customer: Browser) -> None:
    before, after = world.superseded()

    assert customer.get(f"/published/{before.id}").status_code == 404
    assert customer.get(f"/published/{after.id}").status_code == 200


def _without_token(page: str) -> str:
    return re.sub(r'name="csrf_token" value="[^"]+"', "", page)
