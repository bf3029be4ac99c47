from pathlib import Path

import pytest

from services.database.session import Database
from tests.feature.pages.tests_of_pages import World


@pytest.fixture
def world(database: Database, repositories: Path) -> World:
    """A workspace with an environment and the web app before it."""
    return World(database, repositories)
