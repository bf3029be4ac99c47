import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.repositories.paths import is_text, selects, shown


@pytest.mark.parametrize(
    ("pattern", "path", "selected"),
    [
        ("policies/a.json", "policies/a.json", True),
        ("policies", "policies/deep/a.json", True),
        ("policies/", "policies/a.json", True),
        ("pol", "policies/a.json", False),
        ("policies/*.json", "policies/a.json", True),
        ("*.json", "policies/deep/a.json", True),
        ("policies/[OIB] a (1).json", "policies/[OIB] a (1).json", True),
        ("policies/[ab].json", "policies/a.json", True),
        ("POLICIES", "policies/a.json", False),
    ],
)
def test_patterns_select_as_git_pathspecs_do(pattern: str, path: str, *, selected: bool) -> None:
    assert selects([pattern], path, prefix="") is selected


def test_patterns_may_be_written_from_the_prefix() -> None:
    assert selects(["policies"], "tenant/policies/a.json", prefix="tenant")
    assert selects(["tenant/policies"], "tenant/policies/a.json", prefix="tenant")
    assert not selects(["other"], "tenant/policies/a.json", prefix="tenant")


@given(st.binary(min_size=1))
def test_every_name_can_be_shown(name: bytes) -> None:
    path = name.decode("utf-8", "surrogateescape")
    assert shown(path).encode("utf-8")
    assert is_text(path) == (shown(path) == path)
