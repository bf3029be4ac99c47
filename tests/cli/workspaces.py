from collections.abc import Callable
from pathlib import Path
from typing import Any


def connect(run: Callable[..., Any], workspace: str, folder: Path) -> None:
    """Make a workspace that reaches the repositories under a folder."""
    run("workspace", "create", workspace)
    run(
        "connection", "create", "--workspace", workspace, "--name", "files",
        "--kind", "file", "--url-prefix", str(folder),
    )  # fmt: skip
