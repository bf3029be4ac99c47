"""The laws of tests/database/test_ledger_laws.py once more, with clients that share their sessions."""

from tests.database.test_ledger_laws import *  # noqa: F403
