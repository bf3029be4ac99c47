"""The laws of tests/runs/test_admission.py once more, with clients that share their sessions."""

from tests.runs.test_admission import *  # noqa: F403
