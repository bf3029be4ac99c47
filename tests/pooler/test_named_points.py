"""The faults of tests/faults/test_named_points.py once more, with every process behind the pooler."""

import pytest

from tests.faults.test_named_points import *  # noqa: F403

pytestmark = pytest.mark.pooler
