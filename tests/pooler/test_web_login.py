"""The attack of tests/database/test_web_login.py once more, through a pooler in transaction mode."""

import pytest

from runtime.migrate import prepare_web_login
from tests.database.test_web_login import *  # noqa: F403
from tests.database.test_web_login import with_login
from tests.pgbouncer import Pooler


@pytest.fixture  # type: ignore[no-redef] # in place of the direct way
def web_url(database_url: str, pooler: Pooler) -> str:
    """The web server's way into this test's database, through the pooler."""
    prepare_web_login(database_url, with_login(database_url))
    return pooler.before(with_login(database_url))
