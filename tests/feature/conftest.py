from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import Json, System, up, wait_for

__all__ = ["Json", "System", "wait_for"]


@pytest.fixture(scope="session")
def system(server_folder: Path) -> Iterator[System]:
    """The system that a session's tests share; each test makes environments of its own."""
    with up(server_folder / "up") as system:
        yield system


@pytest.fixture(scope="session")
def idle_system(server_folder: Path) -> Iterator[System]:
    """A system without a worker."""
    with up(server_folder / "idle", "--no-worker") as system:
        yield system
