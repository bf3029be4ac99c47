"""Tests that a machine cannot run: named with what is missing in the summary of every lane, never passed."""

import os
import sys
from typing import NoReturn

import pytest


def leave_out(what: str, *, without: str, in_ci_too: bool = False) -> NoReturn:
    """Leave a test out for what the machine is without; in CI (`CI=true`) fail, unless CI may lack it too."""
    reason = f"LEFT OUT, not tested here: {what}. {without}"
    if os.environ.get("CI", "").lower() == "true" and not in_ci_too:
        pytest.fail(reason)
    pytest.skip(reason)


def linux_alone(what: str) -> pytest.MarkDecorator:
    """Leave a test out on systems other than Linux."""
    reason = f"LEFT OUT, not tested here: {what}. Only Linux can do it."
    return pytest.mark.skipif(sys.platform != "linux", reason=reason)
