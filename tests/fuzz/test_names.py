"""Whatever names a repository, a ref, a folder, a run or a place in a list: taken whole, or refused by us."""

from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalog import OperationType
from models.correlation import parse_workflow_id, resolve
from models.errors import InvalidInput
from services.database.paging import LARGEST_POSITION, Cursor, decode_position, searchable
from services.repositories.paths import check_path_prefix, selects
from services.repositories.refs import check_branch, check_ref
from services.repositories.routing.addresses import AllowedHosts
from services.repositories.routing.routes import route_to
from services.runs.inputs import parse_whole_input
from services.runs.search.filters import NAMES, RunFilters
from tests.mirrors import access_to

ROOTS = [Path("/srv/git")]
ID = "0199f2f0-0000-7000-8000-00000000000a"
WORDS = st.sampled_from(
    [
        *"/\\.:@?#%-~^*[]{}\0\n\t \ud800é|=",
        *("..", "//", "://", "https", "ssh", "file", "ext::", "git", "HEAD", "refs/heads/"),
        *("@{", ".lock", ".git"),
        *("%2e%2e", "%00", "%0a", "[::1]", "127.0.0.1", ":99999", "user:secret@", "/srv/git/"),
        *("operation-run.v1.", *OperationType, ID, ID.upper()),
        *("2026-11-30", "T08:00:00Z", "+99:99", "0001-01-01", "9999-12-31T23:59:59-23:59", "Europe/Berlin"),
        *("-oProxyCommand=x", "succeeded"),
    ]
)  # fmt: skip
NAMES_OF_ANYTHING = st.text(max_size=30) | st.lists(WORDS | st.text(max_size=2), max_size=12).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NAMES_OF_ANYTHING,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES_OF_ANYTHING, inner, max_size=3),
    max_leaves=10,
)
FIELDS = ["workspace_id", "environment_id", "ref", "restore_plan_id"]


def source_of(url: str) -> str:
    """Return what git fetches from and pushes to."""
    return route_to(url, access_to(url), allowed_file_roots=ROOTS, allowed_hosts=AllowedHosts()).source


def refused_or(check: Callable[[], Any]) -> Any:
    """Return what a check returns; None where it refuses in our own words. Any other error is a finding."""
    try:
        return check()
    except InvalidInput as refusal:
        told = (refusal.field, str(refusal))
    assert all(told)
    return None


@given(NAMES_OF_ANYTHING)
def test_a_repository_is_one_of_ours_to_ask_or_refused(url: str) -> None:
    located = refused_or(lambda: source_of(url))
    if located is not None:
        assert located.startswith(("https://", "ssh://", "/srv/git")) or "://" not in located
        assert not located.startswith("-")
        assert "\0" not in located
        if located.startswith("/"):
            assert Path(located).resolve().is_relative_to(ROOTS[0])


@given(NAMES_OF_ANYTHING)
def test_a_ref_and_a_branch_are_no_option_and_no_range(name: str) -> None:
    for taken in (refused_or(lambda: check_ref(name)), refused_or(lambda: check_branch(name))):
        if taken is not None:
            assert taken == name
            assert not name.startswith("-")
            assert not any(part in name for part in ("..", "~", "^", ":", "@{", "\0", "\n"))


@given(NAMES_OF_ANYTHING)
def test_a_folder_does_not_lead_out_of_the_repository(prefix: str) -> None:
    folder = refused_or(lambda: check_path_prefix(prefix))
    if folder:
        assert not folder.startswith("/")
        assert not {"", ".", "..", ".git"} & set(folder.lower().split("/"))


@given(st.lists(NAMES_OF_ANYTHING, max_size=4), NAMES_OF_ANYTHING)
def test_any_pattern_selects_or_does_not(patterns: list[str], path: str) -> None:
    assert selects(patterns, path, prefix="") in {True, False}


@pytest.mark.timeout(30)
def test_many_stars_take_no_time() -> None:
    assert not selects(["*a" * 200 + "b"], "a" * 4000, prefix="")


@given(NAMES_OF_ANYTHING, NAMES_OF_ANYTHING)
def test_a_workflow_id_that_parses_is_spelled_as_we_spell_it(workflow_id: str, workflow_type: str) -> None:
    correlation = parse_workflow_id(workflow_id)
    assert correlation is None or correlation.workflow_id == workflow_id
    resolved = resolve(workflow_id, workflow_type)
    assert resolved is None or (resolved == correlation and resolved.operation_type == workflow_type)


@given(
    st.sampled_from(OperationType),
    JSON | st.fixed_dictionaries({}, optional={name: JSON | st.just(ID) for name in FIELDS}),
)
def test_an_input_of_a_workflow_is_whole_or_refused(operation_type: OperationType, given_input: Any) -> None:
    parsed = refused_or(lambda: parse_whole_input(operation_type, given_input))
    assert parsed is None or (str(parsed.workspace_id), str(parsed.environment_id)) == (ID, ID)


@given(NAMES_OF_ANYTHING | st.binary(max_size=80).map(lambda raw: raw.decode("latin-1")))
def test_a_cursor_is_one_that_a_list_gave_out_or_refused(text: str) -> None:
    refused_or(lambda: Cursor.decode(text))
    position = refused_or(lambda: decode_position(text))
    assert position is None or 0 <= position <= LARGEST_POSITION


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_cursor_that_was_given_out_is_read_back(at: Any, row_id: UUID) -> None:
    cursor = Cursor(at=at, id=row_id)
    assert Cursor.decode(cursor.encode()) == cursor


@given(st.dictionaries(st.sampled_from(NAMES), NAMES_OF_ANYTHING))
def test_filters_of_a_list_are_read_or_refused(query: dict[str, str]) -> None:
    filters = refused_or(lambda: RunFilters.parse(query))
    if filters is not None:
        assert RunFilters.parse(filters.given()).given() == filters.given()
        assert filters.ends_before is None or filters.ends_before.tzinfo is not None
        for name in ("created_after", "created_before", "created_to"):
            filters.day(name)


@given(NAMES_OF_ANYTHING)
def test_what_is_searched_for_can_be_asked_of_postgresql(text: str) -> None:
    assert "\0" not in searchable(text)
    searchable(text).encode()
