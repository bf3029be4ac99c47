"""The laws of tests/access/test_audit_chain.py once more, with clients that share their sessions."""

from tests.access.conftest import statements
from tests.access.test_audit_chain import *  # noqa: F403

__all__ = ["statements"]
