"""Whatever lies in a repository, or a remote says: no error but our own, in bounded time and memory."""

import codecs
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.configuration.diff import compare
from services.configuration.documents import Structure
from services.configuration.parsing import parse
from services.masking.messages import redact
from services.masking.parsed_values import mask_changes, masked
from services.masking.rows import setting_rows
from services.masking.text import mask_text

MiB = 2**20
PATHS = st.sampled_from(["a.json", "a.yaml", "a.yml", "a.xml", "a.txt", "a"])
# What the grammars of JSON, YAML and XML, secrets and encodings are made of, in any disorder.
WORDS = st.sampled_from(
    [
        *"{}[]()<>:,;\"'`&*!|>%@#?-=\\/ \t\n\r\0\x0b\u2028\ud7ff\ufeffé",
        *("null", "true", "yes", "0", "-0.0", "1e999", "0x1f", "0o7", "1_000", ".nan", "2026-11-30", "NaN"),
        *("kind", "name", "id", "value", "password", "token", "secret: ", "<password>", "<<: ", "*a", "&a "),
        *(
            "---\n",
            "...\n",
            "!!int ",
            "!Ref ",
            "%YAML 1.1\n",
            "%TAG ! x\n",
            '{"a":',
            '"\\u0000"',
            '"\\ud800"',
        ),
        *(
            "-----BEGIN PRIVATE KEY-----",
            "eyJhbGciOiJIUzI1NiJ9.",
            "<?xml ?>",
            "<!DOCTYPE x [",
            "]]>",
            "://a:b@",
        ),
    ]
)
TEXTS = st.lists(WORDS | st.text(max_size=3), max_size=40).map("".join)
CONTENTS = (
    st.binary(max_size=200)
    | TEXTS.map(lambda text: text.encode())
    | TEXTS.map(lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"))
    | TEXTS.map(lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be")[:-1])
    | TEXTS.map(lambda text: codecs.BOM_UTF8 + text.encode() + b"\xff")
)
# One line that a careless pattern would look at from every beginning, each time to its end.
REPEATED = [
    *(
        "a",
        "token",
        "token=",
        'password: ["',
        '\\"',
        "\\'",
        "eyJ",
        "_eyJ",
        "-eyJ",
        "éeyJ",
        "://",
        "://a",
        "http://",
    ),
    *(
        "?",
        "://?",
        "<a ",
        "<password",
        "<password>",
        'x="',
        "key: ",
        "pass",
        "-----BEGIN ",
        "-----BEGIN A KEY",
    ),
    *(
        "curl -u ",
        "mysql -p",
        "username a password b ",
        "key 7 x ",
        "<key>token</key>",
        "<![CDATA[",
        "<<EOT ",
    ),
    *(
        "snmp-server community x ",
        "storageKey ",
        "radius",
        '("password", ',
        "auth md5 ",
        "password x1y2z ",
        "-----BEGIN ",
    ),
    *("[", "{", "(", "&a ", "*a ", "- ", "? ", ": ", "bearer ", "kind: ", " ", "\t", "\r", "\x1b["),
]
LAUGHS = b"a0: &a0 x\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 40)
)


@given(PATHS, CONTENTS)
def test_no_content_makes_reading_it_raise(path: str, content: bytes) -> None:
    parsed = parse(path, content)
    assert parsed.values is None or isinstance(parsed.values, Structure)
    assert parse(path, content, values=False) == parsed.facts


@given(PATHS, CONTENTS, CONTENTS)
def test_any_two_contents_can_be_compared_masked_and_stored(path: str, old: bytes, new: bytes) -> None:
    before, after = parse(path, old).values, parse(path, new).values
    if before is None or after is None:
        return
    changes = mask_changes(compare(before, after), before, after)
    assert all(_can_be_stored(row) for row in setting_rows(changes))


def _can_be_stored(value: Any) -> bool:
    """Tell whether PostgreSQL takes a value: no NUL, and no half of a surrogate pair."""
    if isinstance(value, dict):
        return all(_can_be_stored(key) and _can_be_stored(inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(map(_can_be_stored, value))
    return not isinstance(value, str) or value.encode("utf-8", "ignore").decode().replace("\0", "") == value


@given(TEXTS)
def test_any_text_can_be_masked_and_redacted(text: str) -> None:
    assert mask_text(text).count("\n") == text.count("\n")
    assert isinstance(masked({"password": text, text: [text]}), dict)
    assert len(redact(text)) <= 1002


@pytest.mark.timeout(60)
@pytest.mark.parametrize("atom", REPEATED)
def test_a_long_line_is_masked_in_time_that_follows_its_length(atom: str) -> None:
    """In time that follows its square this would take minutes."""
    for opening in ("", "password: ["):
        line = opening + atom * (MiB // 4 // len(atom))
        assert mask_text(line)
        redact(line)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("path", "content"),
    [
        pytest.param("a.json", b'{"a":' * (MiB // 20), id="nested objects"),
        pytest.param("a.json", b"[" * (MiB // 4) + b"]" * (MiB // 4), id="nested lists"),
        pytest.param("a.json", b'{"n": ' + b"9" * MiB + b"}", id="a long number"),
        pytest.param("a.yaml", b"[" * MiB, id="flow lists"),
        pytest.param("a.yaml", b"- " * MiB, id="block lists"),
        pytest.param("a.yaml", b"? " * MiB, id="complex keys"),
        pytest.param("a.yaml", b"a: &a [*a, *a]\n" * 5_000, id="aliases of themselves"),
        pytest.param("a.yaml", LAUGHS, id="a billion laughs, and more"),
        pytest.param("a.yaml", b"<<: [" + b"{a: 1}, " * 10_000 + b"{}]", id="merge keys"),
        pytest.param(
            "a.xml",
            b'<!DOCTYPE x [<!ENTITY a "' + b"&a;" * 100_000 + b'"><!ENTITY b SYSTEM "file:///etc/passwd">]><x>&a;&b;</x>',
            id="entities",
        ),
        pytest.param("a.json", codecs.BOM_UTF16_BE + b"\0[" * MiB, id="UTF-16"),
    ],
)  # fmt: skip
def test_a_bomb_takes_no_more_memory_than_its_size_explains(path: str, content: bytes) -> None:
    tracemalloc.start()
    try:
        checked, parsed = parse(path, content, values=False), parse(path, content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert checked.kind is parsed.kind is None
    assert parsed.values is None or parsed.values.documents
    assert peak < 300 * MiB
