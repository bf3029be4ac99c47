"""The remote and its mirror, as the tests of repositories have them."""

from tests.repositories.conftest import mirror, remote, store

__all__ = ["mirror", "remote", "store"]
