from pathlib import Path

import pytest
from tests_of_pages import World

from services.database import Database


@pytest.fixture
def world(database: Database, repositories: Path) -> World:
    """A workspace with an environment and the web app before it."""
    return World(database, repositories)
