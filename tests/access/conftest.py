from collections.abc import Callable

import pytest
from sqlalchemy import event

from services.database.session import Database


@pytest.fixture
def statements(database: Database) -> Callable[[], list[str]]:
    """The statements that the test's database ran since then, in their order."""
    said: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    return lambda: said
