from collections import Counter
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import MISSING, chromium_path, launched
from tests.browser.people import PATIENCE, People
from tests.figures import figures_of
from tests.left_out import leave_out
from tests.system import System

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session", autouse=True)
def chromium(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """The browser that all tests of the lane share; without one the lane is left out, and in CI it fails."""
    path = chromium_path()
    if path is None:
        figures_of(request.config).left_out["THE BROWSER LANE WAS LEFT OUT"] = MISSING
        leave_out("every page in a browser", without=MISSING)
    with launched(path) as browser:
        yield browser


@pytest.fixture(scope="session")
def _people(system: System, chromium: Browser) -> People:
    return People(system, chromium)


@pytest.fixture
def people(_people: People) -> Iterator[People]:
    """Who uses the shared system; no page that a test opens may have had any trouble."""
    yield _people
    assert _people.troubles() == []


@pytest.fixture
def idle_people(idle_system: System, chromium: Browser) -> Iterator[People]:
    """The same for the system without a worker."""
    people = People(idle_system, chromium)
    yield people
    assert people.troubles() == []


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> Counter[str]:
    """What axe has checked in the lane, and what it has found by level."""
    figures = figures_of(request.config).of("every page in the browser")
    figures["violations"] += 0
    return figures
