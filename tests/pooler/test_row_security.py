"""The laws of tests/database/test_row_security.py once more, with clients that share their sessions."""

from tests.database.test_row_security import *  # noqa: F403
