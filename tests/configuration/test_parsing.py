import codecs
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.configuration.documents import ReadAs, Structure, frozen, same
from services.configuration.parsing import parse
from services.configuration.scalars import RawScalar


def parse_structure(path: str, content: bytes) -> Structure | None:
    return parse(path, content).values


def values_of(path: str, content: str | bytes) -> list[Any]:
    structure = parse_structure(path, content if isinstance(content, bytes) else content.encode())
    assert structure is not None
    assert structure.read_as is ReadAs.VALUES
    return list(structure.documents)


@pytest.mark.parametrize(
    "content",
    [
        '{"größe": [1, null]}'.encode(),
        codecs.BOM_UTF8 + '{"größe": [1, null]}'.encode(),
        codecs.BOM_UTF16_LE + '{"größe": [1, null]}'.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + '{"größe": [1, null]}'.encode("utf-16-be"),
    ],
)
def test_json_and_yaml_are_read_in_the_encodings_that_exports_have(content: bytes) -> None:
    assert values_of("a.json", content) == [{"größe": [1, None]}]
    assert values_of("a.YAML", content) == [{"größe": [1, None]}]


def test_every_document_of_a_yaml_file_is_read_in_order() -> None:
    assert values_of("a.yml", "b: 1\na: 2\n---\n- x\n---\n") == [{"b": 1, "a": 2}, ["x"], None]
    assert values_of("a.yml", "") == []
    assert list(values_of("a.yml", "b: 1\na: 2\n")[0]) == ["b", "a"]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", RawScalar("yes", "bool")),
        ("no", RawScalar("no", "bool")),
        ("true", True),
        ('"true"', "true"),
        ("1", 1),
        ('"1"', "1"),
        ("!!str 1", "1"),
        ("1.0", 1.0),
        ("1.50", RawScalar("1.50", "float")),
        ("0x1F", RawScalar("0x1F", "int")),
        ("012", RawScalar("012", "int")),
        ("12:30:45", RawScalar("12:30:45", "int")),
        (".nan", RawScalar(".nan", "float")),
        ("9" * 5_000, RawScalar("9" * 5_000, "int")),
        ("2024-01-01", RawScalar("2024-01-01", "timestamp")),
        ("~", None),
        ("null", None),
        ('""', ""),
        ("!Ref Name", RawScalar("Name", "!Ref")),
        ("!!binary aGk=", RawScalar("aGk=", "!!binary")),
        ("!Join [a, b]", {"!Join": ["a", "b"]}),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_a_yaml_scalar_keeps_its_spelling_and_its_type(written: str, value: Any) -> None:
    (document,) = values_of("a.yaml", f"key: {written}\n")
    assert same(document["key"], value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1),
        ("1.0", 1.0),
        ("1.50", RawScalar("1.50", "float")),
        ("1e400", RawScalar("1e400", "float")),
        ("NaN", RawScalar("NaN", "float")),
        ("-0", RawScalar("-0", "int")),
        ("9" * 5_000, RawScalar("9" * 5_000, "int")),
        ('"\\ud800"', "\ud800"),
    ],
)
def test_a_json_number_that_would_be_spelled_another_way_is_kept_as_written(written: str, value: Any) -> None:
    assert same(values_of("a.json", f'{{"key": {written}}}')[0]["key"], value)


def test_keys_are_text_and_one_given_twice_holds_all_its_values() -> None:
    assert values_of("a.yaml", "1: a\non: b\nnull: c\n? [x, y]\n: d\n<<: e\n")[0] == {
        "1": "a",
        "on": "b",
        "null": "c",
        '["x", "y"]': "d",
        "<<": "e",
    }
    assert values_of("a.yaml", "a: 1\nb: 2\na: 3\n") == [{"a": [1, 3], "b": 2}]
    assert values_of("a.json", '{"a": 1, "b": 2, "a": 3}') == [{"a": [1, 3], "b": 2}]


def test_aliases_are_followed_within_their_document() -> None:
    assert values_of("a.yaml", "base: &b {x: 1}\nuse: *b\n") == [{"base": {"x": 1}, "use": {"x": 1}}]
    assert parse_structure("a.yaml", b"base: &b 1\n---\nuse: *b\n") is None


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(
            ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
        ).encode(),
        "\n".join(["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 300)]).encode(),
        b"a: &a [*a]\n",
        b"[" * 201 + b"]" * 201,
        b"[" + b"x, " * 200_000 + b"x]",
    ],
)
def test_yaml_that_grows_beyond_the_limits_is_read_as_lines(content: bytes) -> None:
    structure = parse_structure("a.yaml", content)
    assert structure is not None
    assert structure.read_as is ReadAs.LINES
    assert structure.documents[0] == content.decode().splitlines()


@pytest.mark.parametrize("depth", [201, 100_000])
def test_json_nested_too_deeply_is_read_as_lines(depth: int) -> None:
    structure = parse_structure("a.json", b"[" * depth + b"]" * depth)
    assert structure is not None
    assert structure.read_as is ReadAs.LINES
    assert values_of("a.json", b"[" * 200 + b"]" * 200)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.json", b"{"),
        ("a.json", b""),
        ("a.yaml", b"a: [1\n"),
        ("a.yaml", b"a: *nowhere\n"),
        ("a.json", b'{"a": "\xff"}'),
        ("a.txt", b"\xff\xfe\x00"),
        ("a.png", b"\x89PNG\x00"),
        ("a.txt", b"\n" * 200_001),
    ],
)
def test_what_does_not_parse_and_what_is_no_text_has_no_structure(path: str, content: bytes) -> None:
    assert parse_structure(path, content) is None


def test_every_other_text_is_its_lines() -> None:
    structure = Structure(documents=(["[a]", "b = 1\x0c2", "", "c"],))
    assert parse_structure("a.ini", b"[a]\r\nb = 1\x0c2\r\n\r\nc") == structure
    assert parse_structure("a.toml", b"[a]\nb = 1\x0c2\n\nc\n") == structure
    assert parse_structure("README", codecs.BOM_UTF16_LE + "x\n".encode("utf-16-le")) == Structure(
        documents=(["x"],)
    )


def test_values_that_python_takes_for_equal_are_told_apart() -> None:
    values = [1, 1.0, True, "1", None, False, 0, -0.0, 0.0, "", [], {}, [1], [True], {"a": 1}, {"a": 1.0}]
    for index, one in enumerate(values):
        for other_index, other in enumerate(values):
            assert same(one, other) is (index == other_index)
            assert (frozen(one) == frozen(other)) is (index == other_index)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.sampled_from(["a.json", "a.yaml", "a.txt"]), st.binary(max_size=200))
def test_no_content_makes_it_raise(path: str, content: bytes) -> None:
    parse_structure(path, content)


@given(JSON)
def test_json_is_read_as_what_was_written(value: Any) -> None:
    (read,) = values_of("a.json", json.dumps(value))
    assert repr(unwritten(read)) == repr(unwritten(value))


@given(JSON)
def test_yaml_is_read_as_what_was_written(value: Any) -> None:
    (read,) = values_of("a.yaml", yaml.safe_dump(value))
    assert repr(unwritten(read)) == repr(unwritten(yaml.safe_load(yaml.safe_dump(value))))


def unwritten(value: Any) -> Any:
    """Return a value as PyYAML and json read it, its keys in one order."""
    if isinstance(value, dict):
        return {key: unwritten(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [unwritten(item) for item in value]
    if isinstance(value, RawScalar):
        return (
            json.loads(value.text)
            if value.text in {"NaN", "Infinity", "-Infinity"}
            else yaml.safe_load(value.text)
        )
    return value
