import time
from collections.abc import Callable
from pathlib import Path

import pytest

Until = Callable[[Callable[[], object]], None]


@pytest.fixture
def until() -> Until:
    """Wait until a condition holds; fail after ten seconds."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true within 10 s"
            time.sleep(0.02)

    return wait


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"
