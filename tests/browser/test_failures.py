"""The pages of a site that cannot answer are as calm, readable and guarded as all others."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from playwright.sync_api import Response, expect

from tests.browser.people import People
from tests.browser.reading import machinery_in
from tests.browser.test_whole_site import troubles_of_reading
from tests.system import System
from web.error_pages import PAGES

GUARDS = ("content-security-policy", "x-content-type-options", "referrer-policy", "x-frame-options")


@contextmanager
def out_of_reach(database_url: str) -> Iterator[None]:
    """Let nobody connect to a database, and end the connections that are there."""
    parts = urlsplit(database_url)
    name = parts.path.removeprefix("/")
    with closing(psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True)) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            yield
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


@contextmanager
def without_environments(database_url: str) -> Iterator[None]:
    """Take away what nobody foresees to be away."""
    with closing(psycopg.connect(database_url, autocommit=True)) as database:
        database.execute("ALTER TABLE environments RENAME TO away")
        try:
            yield
        finally:
            database.execute("ALTER TABLE away RENAME TO environments")


FAILURES = {
    503: out_of_reach,
    500: without_environments,
}


@pytest.mark.parametrize("status", FAILURES)
def test_a_site_that_cannot_answer_says_so_calmly(
    idle_system: System, idle_people: People, figures: Counter[str], status: int
) -> None:
    failing = FAILURES[status]
    page, watch = idle_people.page(idle_people.owner)
    watch.expect(status)
    guards = guards_of(page.goto("/environments"))

    with failing(idle_system.ready["database_url"]):
        assert guards_of(page.goto("/environments"), status) == guards
        expect(page.locator(f'[data-error="{status}"]')).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[str(status)].title)
        assert machinery_in(page) == []
        assert troubles_of_reading(page, figures) == []


def guards_of(answer: Response | None, status: int = 200) -> list[str]:
    """Return what keeps a page within its bounds, by the headers of its answer."""
    assert answer is not None
    assert answer.status == status
    return [answer.headers[name] for name in GUARDS]
