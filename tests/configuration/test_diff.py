import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pygit2
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.configuration.diff import ABSENT, MOST_CHANGES, SettingChange, compare
from services.configuration.documents import ReadAs, Structure, same
from services.configuration.parsing import parse
from services.masking.parsed_values import mask_changes
from services.masking.rows import setting_rows
from services.repositories.diff import diff_trees
from services.repositories.objects import read_blob
from tests.configuration.applying import apply
from tests.left_out import leave_out

Row = tuple[str, str, Any, Any]
REAL_DATA = Path(__file__).parents[3] / "shared" / "data" / "openintunebaseline"


def parsed(path: str, content: str | bytes) -> Structure:
    structure = parse(path, content if isinstance(content, bytes) else content.encode()).values
    assert structure is not None
    return structure


def rows(before: Structure, after: Structure) -> list[Row]:
    """Compare, see that the changes make `after` of `before`, and return them with their paths written."""
    changes = compare(before, after)
    assert_they_make(before, changes, after)
    return [(change.text, str(change.kind), change.before, change.after) for change in changes]


def rows_of_values(before: Any, after: Any) -> list[Row]:
    return rows(Structure(documents=(before,)), Structure(documents=(after,)))


def assert_they_make(before: Structure, changes: list[SettingChange], after: Structure) -> None:
    made = apply(before, changes)
    assert len(made.documents) == len(after.documents)
    assert all(map(same, made.documents, after.documents))


def test_a_setting_added_removed_or_changed_is_one_change_with_its_value() -> None:
    before = {"kept": 1, "size": 1, "gone": {"a": [1, 2]}, "deep": {"x-y": {"a.b": "old"}}}
    after = {"deep": {"x-y": {"a.b": "new"}}, "kept": 1, "size": "1", "new": [{"b": None}]}
    assert rows_of_values(before, after) == [
        ("size", "changed", 1, "1"),
        ("gone", "removed", {"a": [1, 2]}, ABSENT),
        ('deep.x-y["a.b"]', "changed", "old", "new"),
        ("new", "added", ABSENT, [{"b": None}]),
    ]


def test_null_is_not_absent() -> None:
    assert rows_of_values({"a": None}, {}) == [("a", "removed", None, ABSENT)]
    assert rows_of_values({}, {"a": None}) == [("a", "added", ABSENT, None)]
    assert rows_of_values({"a": None}, {"a": 0}) == [("a", "changed", None, 0)]


@pytest.mark.parametrize(
    ("one", "other"), [("yes", "no"), ("1", '"1"'), ("1", "1.0"), ("yes", '"yes"'), ("!A x", "!B x")]
)
def test_yaml_scalars_of_another_spelling_or_type_are_changes(one: str, other: str) -> None:
    before, after = parsed("a.yaml", f"key: {one}"), parsed("a.yaml", f"key: {other}")
    assert [row[:2] for row in rows(before, after)] == [("key", "changed")]
    shown = setting_rows(mask_changes(compare(before, after), before, after))
    assert shown[0]["before"] != shown[0]["after"] or type(shown[0]["before"]) is not type(shown[0]["after"])


def test_order_of_keys_comments_and_layout_are_no_changes() -> None:
    assert rows(parsed("a.yaml", "a: 1\nb: [x]\n"), parsed("a.yaml", "# note\nb:\n- x\na: 1\n")) == []
    assert rows(parsed("a.json", '{"a":1}'), parsed("a.json", '\ufeff{\r\n "a": 1}')) == []


@pytest.mark.parametrize(
    ("identity", "item"),
    [
        ("id", lambda name, value: {"id": name, "value": value}),
        ("name", lambda name, value: {"name": name, "value": value}),
        ("key", lambda name, value: {"key": name, "value": value}),
        ("displayName", lambda name, value: {"displayName": name, "value": value}),
        ("settingDefinitionId", lambda name, value: {"settingDefinitionId": name, "value": value}),
        ("metadata.name", lambda name, value: {"metadata": {"name": name}, "value": value}),
        (
            "settingInstance.settingDefinitionId",
            lambda name, value: {"value": value, "settingInstance": {"settingDefinitionId": name}},
        ),
    ],
)
def test_objects_of_a_list_are_matched_by_identity_and_not_by_position(identity: str, item: Any) -> None:
    before = {"rules": [item("a", 1), item("b", 2), item("c", 3)]}
    after = {"rules": [item("x", 0), item("a", 1), item("c", 4)]}
    assert rows_of_values(before, after) == [
        (f"rules[{identity}=b]", "removed", item("b", 2), ABSENT),
        (f"rules[{identity}=c].value", "changed", 3, 4),
        (f"rules[{identity}=x]", "added", ABSENT, item("x", 0)),
    ]


def test_numbers_that_an_export_gives_its_items_are_not_their_identity() -> None:
    before = [{"id": "0", "settingInstance": {"settingDefinitionId": "b"}}]
    after = [{"id": "0", "settingInstance": {"settingDefinitionId": "a"}}, {**before[0], "id": "1"}]
    assert [row[:2] for row in rows_of_values(before, after)] == [
        ("[settingInstance.settingDefinitionId=b].id", "changed"),
        ("[settingInstance.settingDefinitionId=a]", "added"),
    ]


def test_another_order_of_named_items_is_one_change() -> None:
    items = [{"name": "a", "v": 1}, {"name": "b", "v": 2}, {"name": "c", "v": 3}]
    after = [items[2], {"name": "new", "v": 0}, {"name": "a", "v": 9}, items[1]]
    assert rows_of_values({"list": items}, {"list": after}) == [
        ("list[name=a].v", "changed", 1, 9),
        ("list[name=new]", "added", ABSENT, after[1]),
        (
            "list",
            "moved",
            [{"name": "a"}, {"name": "b"}, {"name": "c"}],
            [{"name": "c"}, {"name": "a"}, {"name": "b"}],
        ),
    ]


def test_another_order_of_scalars_is_one_change() -> None:
    assert rows_of_values(["a", "b", "b"], ["b", "a", "b"]) == [
        ("(whole file)", "moved", ["a", "b", "b"], ["b", "a", "b"])
    ]


def test_names_that_two_items_share_are_no_identity() -> None:
    before = [{"name": "a", "v": 1}, {"name": "a", "v": 2}, {"name": "b", "v": 3}]
    assert rows_of_values(before, before[1:]) == [("[0]", "removed", before[0], ABSENT)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (["a", "b", "c"], ["a", "x", "c"], [("[1]", "changed", "b", "x")]),
        (["a", "b", "c"], ["b", "c"], [("[0]", "removed", "a", ABSENT)]),
        (["a", "c"], ["a", "b", "c"], [("[1]", "added", ABSENT, "b")]),
        ([1, True, "1"], [1, True, 1.0], [("[2]", "changed", "1", 1.0)]),
        (
            [{"v": 1}, 2, ["x", "y"]],
            [{"v": 2}, 2, ["x", "z"]],
            [("[0].v", "changed", 1, 2), ("[2][1]", "changed", "y", "z")],
        ),
        ([[1], {"a": 1}], [[1]], [("[1]", "removed", {"a": 1}, ABSENT)]),
    ],
)
def test_lists_without_identity_are_matched_by_what_they_hold(
    before: Any, after: Any, expected: list[Row]
) -> None:
    assert rows_of_values({"k": before}, {"k": after}) == [("k" + path, *rest) for path, *rest in expected]


def test_documents_of_a_file_are_matched_by_kind_and_name() -> None:
    spec = "{template: {spec: {containers: [{name: web, image: 'a:%s'}]}}}"
    web = f"kind: Deployment\nmetadata: {{name: web}}\nspec: {spec}\n"
    before = parsed("a.yaml", "kind: Service\nmetadata: {name: web}\n---\n" + web % 1)
    after = parsed("a.yaml", web % 2 + "---\nkind: Service\nmetadata: {name: web}\n")
    path = "[kind=Deployment, metadata.name=web].spec.template.spec.containers[name=web].image"
    changed, moved = rows(before, after)
    assert changed == (path, "changed", "a:1", "a:2")
    assert moved[1] == "moved"


def test_documents_without_identity_are_numbered() -> None:
    before, after = parsed("a.yaml", "a: 1\n---\nb: 1\n"), parsed("a.yaml", "a: 1\n---\nb: 2\n---\nc: 1\n")
    assert rows(before, after) == [
        ("document 2.b", "changed", 1, 2),
        ("document 3", "added", ABSENT, {"c": 1}),
    ]
    assert rows(parsed("a.yaml", "a: 1\n"), parsed("a.yaml", "")) == [
        ("document 1", "removed", {"a": 1}, ABSENT)
    ]


def test_text_is_compared_by_line() -> None:
    before = parsed("a.ini", "[a]\nb = 1\nc = 2\nd = 3\n")
    after = parsed("a.ini", "[a]\r\nb = 9\r\nd = 3\r\ne = 4\r\n")
    assert rows(before, after) == [
        ("line 2", "changed", "b = 1", "b = 9"),
        ("line 3", "removed", "c = 2", ABSENT),
        ("line 4", "added", ABSENT, "e = 4"),
    ]
    assert rows(parsed("a.txt", "a\nb\n"), parsed("a.txt", "b\na\n"))[0][0] == "line 1"
    assert rows(parsed("a.txt", ""), parsed("a.txt", "x")) == [("line 1", "added", ABSENT, "x")]


def test_values_and_lines_are_compared_as_wholes() -> None:
    lines, value = parsed("a.txt", "x\n"), parsed("a.json", '"x"')
    assert rows(lines, value) == [("(whole file)", "changed", ["x"], "x")]
    two = parsed("a.yaml", "a\n---\nb\n")
    assert [row[:2] for row in rows(lines, two)] == [("document 1", "changed"), ("document 2", "added")]


def test_a_list_with_more_other_items_than_are_matched_is_one_change() -> None:
    before, after = [*range(60_000)], [*range(-1, 59_999)]
    assert [row[:2] for row in rows_of_values({"list": before}, {"list": after})] == [("list", "changed")]


def test_more_changes_than_anyone_reads_are_one_change_per_document() -> None:
    before = Structure(documents=({str(n): n for n in range(MOST_CHANGES + 1)},))
    after = Structure(documents=({str(n): -n - 1 for n in range(MOST_CHANGES + 1)},))
    assert [row[:2] for row in rows(before, after)] == [("(whole file)", "changed")]
    assert [
        row[:2]
        for row in rows(
            Structure(documents=(*before.documents, 1)), Structure(documents=(*after.documents, 1))
        )
    ] == [("document 1", "changed")]


def test_rows_hold_what_postgresql_can_keep_and_no_more_than_a_person_reads() -> None:
    before = Structure(
        documents=({"a\0b\ud800": "x\0\udfff", "long": "a", "object": 1, "odd": float("nan")},)
    )
    after = Structure(documents=({"long": "b" * 5_000, "object": {"k": ["c" * 5_000]}, "null": None},))
    by_path = {row["path"]: row for row in setting_rows(mask_changes(compare(before, after), before, after))}
    json.dumps(by_path, ensure_ascii=False, allow_nan=False).encode()
    assert by_path["long"]["after"] == "b" * 2_000 + "… (3,000 more characters)"
    assert by_path["object"]["after"].startswith('{"k": ["ccc')
    assert len(by_path["object"]["after"]) < 2_050
    assert by_path["odd"] == {"path": "odd", "change": "removed", "before": "nan", "after": None}
    assert by_path["null"] == {"path": "null", "change": "added", "before": None, "after": None}
    assert not any("\0" in json.dumps(row, ensure_ascii=False) for row in by_path.values())
    (removed,) = (row for row in by_path.values() if row["before"] == "x\\u0000\\udfff")
    assert removed["path"] == '["a\\u0000b\\ud800"]'


SCALARS = st.none() | st.booleans() | st.integers(0, 3) | st.floats() | st.sampled_from("abc")
NAMES = st.sampled_from("abcde") | st.integers(0, 2)
IDENTITIES = st.sampled_from(["id", "name", "key", "settingDefinitionId"])


def collections_of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.builds(
        lambda key, items: [{key: name, **values} for name, values in items],
        IDENTITIES,
        st.lists(st.tuples(NAMES, st.dictionaries(st.sampled_from("uvw"), inner, max_size=2)), max_size=5),
    )
    nested = st.builds(
        lambda items: [{"kind": "A", "metadata": {"name": name}, "spec": spec} for name, spec in items],
        st.lists(st.tuples(NAMES, inner), max_size=4),
    )
    return (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(["a", "b", "a.b", ""]), inner, max_size=4)
        | named
        | nested
    )


VALUES = st.recursive(SCALARS, collections_of, max_leaves=25)


@given(VALUES, VALUES)
def test_changes_of_any_two_values_make_one_of_the_other(before: Any, after: Any) -> None:
    rows_of_values(before, after)
    assert rows_of_values(before, json.loads(json.dumps(before))) == []


@given(st.lists(VALUES, max_size=5), st.data())
def test_changes_of_an_edited_value_make_it(items: list[Any], data: st.DataObject) -> None:
    after = data.draw(st.permutations(items + data.draw(st.lists(VALUES, max_size=2))))
    rows_of_values({"list": items}, {"list": after[: data.draw(st.integers(0, len(after)))]})


@given(st.lists(VALUES, max_size=4), st.lists(VALUES, max_size=4))
def test_changes_of_any_two_files_make_one_of_the_other(before: list[Any], after: list[Any]) -> None:
    rows(Structure(documents=tuple(before)), Structure(documents=tuple(after)))
    files = [parsed("a.yaml", yaml.safe_dump_all(documents)) for documents in (before, after)]
    rows(files[0], files[1])


LINES = st.lists(st.sampled_from(["a", "b", "[c]", "d = 1", ""]), max_size=30)


@given(LINES, LINES)
def test_changes_of_any_two_texts_make_one_of_the_other(before: list[str], after: list[str]) -> None:
    sides = [Structure(documents=(lines,), read_as=ReadAs.LINES) for lines in (before, after)]
    found = rows(sides[0], sides[1])
    assert all(old != new for _, _, old, new in found)


@given(LINES, LINES)
def test_one_added_line_is_one_change(head: list[str], tail: list[str]) -> None:
    sides = [
        Structure(documents=(lines,), read_as=ReadAs.LINES) for lines in (head + tail, [*head, "new", *tail])
    ]
    assert [row[1:] for row in rows(sides[0], sides[1])] == [("added", ABSENT, "new")]


def test_long_texts_are_matched_by_the_lines_that_stand_once() -> None:
    before = [f"line {number}" if number % 3 else "again" for number in range(30_000)]
    after = ["first", *before[:100], "other", *before[101:20_000], *before[20_001:]]
    sides = [Structure(documents=(lines,), read_as=ReadAs.LINES) for lines in (before, after)]
    assert rows(sides[0], sides[1]) == [
        ("line 1", "added", ABSENT, "first"),
        ("line 101", "changed", "line 100", "other"),
        ("line 20001", "removed", "line 20000", ABSENT),
    ]


@given(VALUES, st.sampled_from(["x", 7, None, {"new": 1}]), st.data())
def test_one_changed_scalar_is_one_change(value: Any, new: Any, data: st.DataObject) -> None:
    depth = data.draw(st.integers(0, 5))
    before, after = data.draw(SCALARS.filter(lambda scalar: not same(scalar, new))), new
    for _ in range(depth):
        wrap = data.draw(
            st.sampled_from([lambda inner: {"k": inner, "other": value}, lambda inner: [value, inner]])
        )
        before, after = wrap(before), wrap(after)
    assert len(rows_of_values(before, after)) == 1


@pytest.fixture
def real_repository(tmp_path: Path) -> pygit2.Repository:
    """The real releases as a repository; left out where they are not there."""
    maker = REAL_DATA / "make_repository.sh"
    if not maker.exists():
        lacking = f"../shared/data/{REAL_DATA.name} is not there."
        leave_out("the changes of real releases", without=lacking, in_ci_too=True)
    subprocess.run(["bash", str(maker), str(tmp_path / "real.git")], check=True, capture_output=True)
    return pygit2.Repository(str(tmp_path / "real.git"))


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("before", "after"), [("windows-v3.4", "windows-v3.5"), ("windows-v3.5", "windows-v3.6")]
)
def test_changes_of_real_releases_make_each_file_of_the_one_before(
    real_repository: pygit2.Repository, before: str, after: str, capsys: pytest.CaptureFixture[str]
) -> None:
    commits = [str(real_repository.revparse_single(tag).peel(pygit2.Commit).id) for tag in (before, after)]
    operations = Counter[str]()
    names = []
    for change in diff_trees(real_repository, *commits):
        if change.before is None or change.after is None:
            continue
        old = parsed(change.previous_path or change.path, content(real_repository, change.before))
        new = parsed(change.path, content(real_repository, change.after))
        found = rows(old, new)
        assert ("name", "changed") in [row[:2] for row in found] or change.previous_path is None
        assert (found == []) is (
            json_of(real_repository, change.before) == json_of(real_repository, change.after)
        )
        names.append(change.path)
        operations.update(operation for _, operation, _, _ in found)
    listed = [
        "git",
        "-C",
        real_repository.path,
        "diff",
        "-M",
        "-z",
        "--diff-filter=MRT",
        "--name-only",
        before,
        after,
    ]
    told = subprocess.run(listed, check=True, capture_output=True, text=True).stdout
    assert sorted(names) == sorted(told.rstrip("\0").split("\0"))
    with capsys.disabled():
        figures = f"{len(names)} files, {operations.total()} changes: {dict(operations)}"
        print(f"\nreal configuration data: {before} to {after}: {figures}")  # noqa: T201 - figures are for the terminal


def json_of(repository: pygit2.Repository, oid: str) -> Any:
    return json.loads(content(repository, oid))


def content(repository: pygit2.Repository, oid: str) -> bytes:
    read = read_blob(repository, oid, limit=10_000_000)
    assert read is not None
    return read
