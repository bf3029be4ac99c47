import os
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def own_argv(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command line that runs one of our modules with this interpreter, from any folder.

    `-P` keeps the current folder off `sys.path`: a package of the same name there would replace ours.
    """
    return (sys.executable, "-P", "-m", module, *arguments)


def own_environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for a child that runs our modules: this process's, with `settings` added."""
    return {
        **os.environ,
        **_source_tree(),
        # `up` shows lines, and waits for one, as they are written.
        "PYTHONUNBUFFERED": "1",
        **(settings or {}),
    }


def _source_tree() -> dict[str, str]:
    """Let a child import the code that runs here, where that is a source tree and not an installed wheel."""
    if not (ROOT / "pyproject.toml").exists():
        return {}
    return {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
