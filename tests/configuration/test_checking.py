import codecs
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.configuration.documents import ReadAs
from services.configuration.parsing import Parsed, parse

WORDS = [
    *("{", "}", "[", "]", ":", ",", "\n", "  ", "- ", '"kind"', '"@odata.type"', '"A"', "3", "1.50", "NaN"),
    *("kind: A\n", "kind: !x B\n", "---\n", "a: &a [*a]\n", "b: *b\n", "? ", "{kind: C}\n", "9" * 4_301),
]
POLICY = '{"@odata.type": "#policy", "größe": 1}'


def checked(path: str, content: bytes) -> Parsed:
    return parse(path, content, values=False)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (POLICY.encode(), "utf-8"),
        (codecs.BOM_UTF8 + POLICY.encode(), "utf-8-sig"),
        (codecs.BOM_UTF16_LE + POLICY.encode("utf-16-le"), "utf-16"),
        (codecs.BOM_UTF16_BE + POLICY.encode("utf-16-be"), "utf-16"),
    ],
)
def test_json_is_read_in_the_encodings_that_exports_have(content: bytes, encoding: str) -> None:
    document = checked("policy.json", content)
    assert (document.encoding, document.kind, document.error) == (encoding, "#policy", None)


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [
        ("a.json", b'{"kind": "Deployment"}', "Deployment"),
        ("a.json", b'{"kind": 3}', None),
        ("a.json", b"[1, 2]", None),
        ("a.YAML", b"metadata: {}\n---\nkind: Service\n", "Service"),
        ("a.yml", b"- a\n- b\n", None),
        ("a.yml", b"", None),
        ("a.yml", b"value: !Ref Something\nkind: Stack\n", "Stack"),
        ("a.txt", b"\xff\xfe\x00 anything", None),
        ("README", b"{", None),
    ],
)
def test_the_kind_is_the_files_own_word(path: str, content: bytes, kind: str | None) -> None:
    document = checked(path, content)
    assert (document.kind, document.error) == (kind, None)


@pytest.mark.parametrize(
    ("path", "content", "error"),
    [
        ("a.json", b'{"a": 1,}', "line 1"),
        ("a.json", b"", "Expecting value"),
        ("a.json", b'{"a": "\xff"}', "not utf-8 text"),
        ("a.json", codecs.BOM_UTF16_LE + b"{", "not utf-16 text"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
        ("a.yaml", b"a: [1\n", "line 2"),
        ("a.yaml", b"fine: 1\n---\na: b: c\n", "line 3"),
        ("a.yaml", b"\x00", "control characters"),
        ("a.yaml", b"[" * 100_000, "nested too deeply"),
        ("a.yaml", b"a: *nowhere", "not defined"),
    ],
)
def test_what_does_not_parse_is_told_and_not_raised(path: str, content: bytes, error: str) -> None:
    document = checked(path, content)
    assert document.error is not None
    assert error in document.error


def test_aliases_that_would_grow_without_bound_are_not_expanded() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    assert checked("bomb.yaml", "\n".join(lines).encode()).error is None


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.json", b'{"kind": "a\\u0000b"}'),
        ("a.json", b'{"@odata.type": "\\ud800"}'),
        ("a.json", json.dumps({"kind": "k" * 201}).encode()),
        ("a.yaml", b'kind: "a\\0b"'),
        ("a.yaml", b"kind: |\n  two\n  lines\n"),
    ],
)
def test_a_kind_that_is_no_word_is_no_kind(path: str, content: bytes) -> None:
    assert checked(path, content) == Parsed()


@given(st.sampled_from(["a.json", "a.yaml", "a.txt"]), st.binary(max_size=200))
def test_no_content_makes_it_raise(path: str, content: bytes) -> None:
    checked(path, content)


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_every_json_text_parses(value: object) -> None:
    assert checked("a.json", json.dumps(value).encode()).error is None


def test_an_undefined_alias_is_told_without_its_name() -> None:
    error = checked("a.yaml", b"level: 1\npassword: *hunter2\n").error
    assert error == "an alias is not defined (line 2)"


@pytest.mark.parametrize(
    "content",
    [
        '{"kind": "A", "@odata.type": "B"}',
        '{"kind": 3, "@odata.type": "B"}',
        '{"kind": "A", "kind": "B"}',
        '{"kind": "A", "kind": 3}',
        '{"kind": ["A", "B"]}',
        '{"kind": ""}',
        '["kind"]',
        '"kind"',
        "NaN",
        f'{{"kind": "A", "n": {"9" * 4_301}}}',
        "{",
        "",
        "[" * 300 + "]" * 300,
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("path", ["a.json", "a.JSON", "json", "a.yaml", "a.txt"])
def test_checking_alone_tells_of_a_file_what_reading_its_values_tells(
    path: str, encoding: str, content: str
) -> None:
    data = content.encode(encoding)
    assert parse(path, data).facts == checked(path, data)


@given(
    st.sampled_from(["a.json", "a.yaml", "a.txt"]),
    st.lists(st.sampled_from(WORDS), max_size=20).map("".join),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_checking_alone_tells_of_any_file_what_reading_its_values_tells(
    path: str, content: str, encoding: str
) -> None:
    data = content.encode(encoding)
    assert parse(path, data).facts == checked(path, data)


def test_a_number_of_more_digits_than_python_reads_is_an_error_and_still_shown() -> None:
    parsed = parse("a.json", f'{{"kind": "A", "n": {"9" * 4_301}}}'.encode())
    assert parsed.error is not None
    assert parsed.error.startswith("Exceeds the limit")
    assert parsed.kind is None
    assert parsed.values is not None
    assert parsed.values.documents[0]["kind"] == "A"


def test_yaml_too_complex_to_be_built_is_still_checked_to_its_end() -> None:
    parsed = parse("a.yaml", b"kind: A\na: &a [*a]\nb: : c\n")
    assert parsed.error == "mapping values are not allowed in this context (line 3)"
    assert parsed.values is not None
    assert parsed.values.read_as is ReadAs.LINES
