import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.configuration.diff import compare
from services.configuration.documents import Structure
from services.configuration.parsing import parse
from services.masking.keys import MASK, is_secret_key
from services.masking.messages import redact
from services.masking.parsed_values import MASK_CHANGED, mask_changes, masked
from services.masking.rows import setting_rows
from services.masking.text import mask_text

PLANTED = "zq7-Planted.One"
OTHER = "zq7-Planted.Two"
SECRET_KEYS = [
    "password",
    "PASSWORD",
    "adminPassword",
    "admin_password_1",
    "client_secret",
    "clientSecret",
    "secrets",
    "token",
    "access-token",
    "refreshTokens",
    "privateKey",
    "private key",
    "PRIVATE_KEY_PEM",
    "ssh.privateKey",
    "apiKey",
    "passphrase",
    "db_pwd",
    "devicePin",
    "connectionString",
    "authorization",
    "keyMaterial",
]
PLAIN_KEYS = ["name", "value", "compass", "pinned", "spinCount", "keyboard", "key", "secure", "passed", "id"]


def rows(path: str, before: str, after: str) -> list[dict[str, Any]]:
    sides = [parse(path, text.encode()).values for text in (before, after)]
    assert sides[0] is not None
    assert sides[1] is not None
    return setting_rows(mask_changes(compare(sides[0], sides[1]), sides[0], sides[1]))


def rows_of_values(before: Any, after: Any) -> list[dict[str, Any]]:
    return rows("a.json", json.dumps(before), json.dumps(after))


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_keys_with_the_word_of_a_secret_are_secret(key: str) -> None:
    assert is_secret_key(key)


@pytest.mark.parametrize("key", PLAIN_KEYS)
def test_other_keys_are_not(key: str) -> None:
    assert not is_secret_key(key)


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_a_masked_value_is_shown_to_have_changed_and_its_length_is_not(key: str) -> None:
    (row,) = rows_of_values({key: "a"}, {key: "a much longer one"})
    assert (row["change"], row["before"], row["after"]) == ("changed", MASK, MASK_CHANGED)
    (added,) = rows_of_values({}, {key: "a"})
    assert (added["change"], added["before"], added["after"]) == ("added", None, MASK)


@pytest.mark.parametrize(
    ("key", "before", "after"),
    [
        ("passwordRequired", True, False),
        ("passwordMinimumLength", 12, 14),
        ("tokenLifetimeMinutes", 60, 90),
        ("maxTokens", 4096, 8192),
        ("password", None, True),
        ("requirePin", True, False),
    ],
)
def test_settings_about_secrets_are_shown(key: str, before: Any, after: Any) -> None:
    (row,) = rows_of_values({key: before}, {key: after})
    assert (row["before"], row["after"]) == (before, after)
    if before is not None and "_" not in key:
        (line,) = rows("a.ini", f"{key} = {before}\n", f"{key} = {after}\n")
        assert line["after"] == f"{key} = {after}"


@pytest.mark.parametrize("key", ["password", "pin", "secret", "adminPassword", "device_pin", "PIN", "token"])
def test_a_number_that_is_the_secret_itself_is_masked(key: str) -> None:
    (row,) = rows_of_values({key: 1234}, {key: 998877})
    assert (row["before"], row["after"]) == (MASK, MASK_CHANGED)
    (row,) = rows("a.yaml", f"{key}: 0123\n", f"{key}: 1_000\n")
    assert (row["before"], row["after"]) == (MASK, MASK_CHANGED)
    (row,) = rows("a.ini", f"{key} = 1234\n", f"{key} = 998877\n")
    assert row["after"] == f"{key} = {MASK_CHANGED}"


def test_what_stands_under_a_secret_key_is_masked_at_any_depth() -> None:
    before = {"tokens": {"a": [{"b": "x", "lifetime": 60}]}}
    after = {"tokens": {"a": [{"b": "y", "lifetime": 90}]}}
    assert [(row["path"], row["after"]) for row in rows_of_values(before, after)] == [
        ("tokens.a[0].b", MASK_CHANGED),
        ("tokens.a[0].lifetime", 90),
    ]
    (row,) = rows_of_values({}, after)
    assert row["after"] == {"a": [{"b": MASK, "lifetime": 90}]}


MANIFEST = "apiVersion: v1\nkind: %s\nmetadata: {name: web}\n%s: {user: %s, pin: %s}\n"


@pytest.mark.parametrize("field", ["data", "stringData"])
def test_all_data_of_a_kubernetes_secret_is_masked(field: str) -> None:
    found = rows(
        "a.yaml", MANIFEST % ("Secret", field, "bWU=", 1), MANIFEST % ("Secret", field, "eW91", "true")
    )
    assert [(row["path"], row["before"], row["after"]) for row in found] == [
        (f"{field}.user", MASK, MASK_CHANGED),
        (f"{field}.pin", MASK, MASK_CHANGED),
    ]
    (row, *_) = rows(
        "a.yaml", MANIFEST % ("ConfigMap", field, "me", 1), MANIFEST % ("ConfigMap", field, "you", 1)
    )
    assert row["after"] == "you"


def test_data_is_masked_where_only_one_side_is_a_secret() -> None:
    for kinds in (("Secret", "ConfigMap"), ("ConfigMap", "Secret")):
        found = rows(
            "a.yaml", MANIFEST % (kinds[0], "data", PLANTED, 1), MANIFEST % (kinds[1], "data", OTHER, 1)
        )
        assert {row["path"]: row["after"] for row in found} == {"kind": kinds[1], "data.user": MASK_CHANGED}


def test_a_secret_within_a_list_among_documents_or_added_whole_is_masked() -> None:
    secret = yaml.safe_load(MANIFEST % ("Secret", "data", PLANTED, 77_123))
    (row,) = rows_of_values({"items": []}, {"items": [secret]})
    assert row["after"]["data"] == {"user": MASK, "pin": MASK}
    other = MANIFEST % ("ConfigMap", "data", "me", 1)
    (row,) = rows("a.yaml", other, other + "---\n" + yaml.safe_dump(secret))
    assert row["path"] == "[kind=Secret, metadata.name=web]"
    assert row["after"]["data"] == {"user": MASK, "pin": MASK}


def test_a_secret_copied_into_a_text_is_masked_as_a_whole() -> None:
    secret = json.dumps(yaml.safe_load(MANIFEST % ("Secret", "data", PLANTED, 1)))
    (row,) = rows_of_values(
        {"annotations": {"last-applied": "{}"}}, {"annotations": {"last-applied": secret}}
    )
    assert row["after"] == MASK
    lines = MANIFEST % ("Secret", "data", "{{ .Values.user }}", PLANTED)
    assert PLANTED not in str(rows("a.tpl", "", lines))


PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIE%s\nAQAB\n-----END RSA PRIVATE KEY-----"


def test_a_private_key_is_masked_by_what_it_is() -> None:
    (row,) = rows_of_values({"file": "x\n" + PEM % "one" + "\ny"}, {"file": "x\n" + PEM % "two" + "\ny"})
    assert row["after"] == f"x\n{MASK}\n{MASK}\n{MASK}\n{MASK}\ny (changed)"
    (row,) = rows_of_values({"file": (PEM % "one").split("\n")}, {"file": (PEM % "two").split("\n")})
    assert (row["path"], row["before"], row["after"]) == ("file[1]", MASK, MASK_CHANGED)
    (row,) = rows("a.pem", "x\n" + PEM % "one", "x\n" + PEM % "two")
    assert (row["path"], row["before"], row["after"]) == ("line 3", MASK, MASK_CHANGED)


@pytest.mark.parametrize(
    "secret",
    [
        "ghp_0123456789abcdefABCDEF0123456789abcd",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "Bearer 0123456789abcdef0123",
        "postgresql://me:hunter2@host/db",
    ],
)
def test_well_known_tokens_are_masked_under_any_key_and_in_any_text(secret: str) -> None:
    hidden = "hunter2" if "hunter2" in secret else secret.removeprefix("Bearer ")
    for found in (
        rows_of_values({"x": "a"}, {"x": f"see {secret} there"}),
        rows_of_values({}, {secret: [secret]}),
        rows_of_values([{"name": secret, "v": 1}], [{"name": secret, "v": 2}]),
        rows("a.txt", "a\n", f"see {secret} there\n"),
    ):
        assert len(found) == 1
        assert hidden not in str(found)
        assert MASK in str(found)


def test_a_value_beside_a_name_that_is_secret_is_masked() -> None:
    env = [{"name": "DB_PASSWORD", "value": PLANTED}, {"name": "LEVEL", "value": "info"}]
    after = [{"name": "DB_PASSWORD", "value": OTHER}, {"name": "LEVEL", "value": "debug"}]
    assert [(row["path"], row["after"]) for row in rows_of_values({"env": env}, {"env": after})] == [
        ("env[name=DB_PASSWORD].value", MASK_CHANGED),
        ("env[name=LEVEL].value", "debug"),
    ]
    args = ["--level", "info", "--password", PLANTED]
    (row,) = rows_of_values({"args": args}, {"args": [*args[:3], OTHER]})
    assert (row["before"], row["after"]) == (MASK, MASK_CHANGED)


def test_names_of_items_under_a_secret_key_are_masked_in_the_path() -> None:
    (row,) = rows_of_values({"tokens": [{"id": PLANTED, "n": 1}]}, {"tokens": [{"id": PLANTED, "n": 2}]})
    assert row["path"] == f"tokens[id={MASK}].n"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("password = x y; z", f"password = {MASK}"),
        ('  "token": "a\\"b", "size": 3', f'  "token": "{MASK}", "size": 3'),
        (
            '{"passwordRequired":true,"clientSecret":"x"}',
            f'{{"passwordRequired":true,"clientSecret":"{MASK}"}}',
        ),
        ("Authorization: Bearer x", f"Authorization: {MASK}"),
        ("export DB_PASSWORD='x'  # y", f"export DB_PASSWORD='{MASK}'  # y"),
        ("run --token x", f"run --token {MASK}"),
        ("enable secret 5 $1$x", f"enable secret 5 {MASK}"),
        ("- adminPassword: !vault |", f"- adminPassword: !vault {MASK}"),
        ("password_file_mode = 0600", "password_file_mode = 0600"),
        ("The password is kept elsewhere.", "The password is kept elsewhere."),
        ("[secrets]", "[secrets]"),
    ],
)
def test_secrets_are_masked_within_lines(line: str, shown: str) -> None:
    (row,) = rows("a.txt", "", line + "\n")
    assert row["after"] == shown


@pytest.mark.parametrize(
    "text",
    [
        "password:\n  - {0}\n  - x: {0}\n",
        "passwords:\n- {0}\n",
        "a:\n  - token: |\n      {0}\n\n      {0}\n    user: shown\n",
        'secret = """\n{0}\n"""\nuser = "shown"\n',
        'tokens = [\n"]",\n"{0}"\n]\nuser = "shown"\n',
        '{{"password": {{"a": ["{0}"]}}}}\n',
        "password: first\n  {0}\n",
    ],
)
def test_secrets_that_go_on_over_lines_are_masked(text: str) -> None:
    found = rows("a.txt", "", text.format(PLANTED))
    assert PLANTED not in str(found)
    assert ("shown" in text) is ("shown" in str(found))


def test_a_value_alone_is_masked_by_where_it_stands() -> None:
    document = {"kind": "Secret", "data": {"a": "b"}, "plain": "c"}
    assert masked("b", path=("data", "a"), document=document) == MASK
    assert masked("c", path=("plain",), document=document) == "c"
    assert masked("x", path=("login", "password")) == MASK
    assert masked(document) == {"kind": "Secret", "data": {"a": MASK}, "plain": "c"}


OTHERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(PLAIN_KEYS), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def planted(draw: st.DrawFn) -> tuple[Any, Any]:
    """Two values that hold a secret each, at one place or two, at any depth under a secret key."""

    def wrapped(inner: Any, keys: list[str], depth: int) -> Any:
        for _ in range(depth):
            if draw(st.booleans()):
                inner = [*draw(st.lists(OTHERS, max_size=2)), inner]
            else:
                others = draw(st.dictionaries(st.sampled_from(PLAIN_KEYS), OTHERS, max_size=3))
                inner = {**others, draw(st.sampled_from(keys)): inner}
        return inner

    def side(secret: str) -> Any:
        below = wrapped(secret, [*PLAIN_KEYS, *SECRET_KEYS], draw(st.integers(0, 3)))
        return wrapped({draw(st.sampled_from(SECRET_KEYS)): below}, PLAIN_KEYS, draw(st.integers(0, 3)))

    before = side(PLANTED)
    swapped = json.loads(json.dumps(before).replace(PLANTED, OTHER))
    return before, draw(st.sampled_from([swapped, side(OTHER), None, draw(OTHERS)]))


@given(planted())
def test_a_planted_secret_is_in_no_row(sides: tuple[Any, Any]) -> None:
    for before, after in (sides, sides[::-1]):
        found = rows_of_values(before, after)
        assert found or before == after
        assert "zq7" not in json.dumps(found)
        files = [yaml.safe_dump(side) for side in (before, after)]
        assert "zq7" not in str(rows("a.yaml", files[0], files[1]))
        many = [yaml.safe_dump_all([side, {"a": 1}, side]) for side in (before, after)]
        assert "zq7" not in str(rows("a.yml", many[0], many[1]))


@given(planted(), st.sampled_from([None, 0, 2]))
def test_a_planted_secret_is_in_no_row_of_a_file_read_as_lines(
    sides: tuple[Any, Any], indent: int | None
) -> None:
    for before, after in (sides, sides[::-1]):
        written = [json.dumps(side, indent=indent) for side in (before, after)]
        assert "zq7" not in str(rows("a.txt", written[0], written[1]))
        written = [yaml.safe_dump(side) for side in (before, after)]
        assert "zq7" not in str(rows("a.tpl", written[0], written[1]))


@given(st.lists(st.sampled_from([f"x {PLANTED}", "a: b"]), min_size=1, max_size=4))
def test_lines_of_a_private_key_are_in_no_row(lines: list[str]) -> None:
    text = "\n".join(["start", "-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", "end: 1"])
    found = rows("a.conf", "start\nend: 1\n", text)
    assert "zq7" not in str(found)
    assert len(found) == len(lines) + 2


def test_a_change_is_shown_though_both_sides_look_alike() -> None:
    before, after = Structure(documents=({"token": "a"},)), Structure(documents=({"token": "b"},))
    (change,) = mask_changes(compare(before, after), before, after)
    assert (change.path, change.before, change.after) == ("token", MASK, MASK_CHANGED)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (f"<password>{PLANTED}</password>", f"<password>{MASK}</password>"),
        (
            f"<a><x:Token b='c'>{PLANTED}</x:Token><d>e</d></a>",
            f"<a><x:Token b='c'>{MASK}</x:Token><d>e</d></a>",
        ),
        (f'<add key="DbPassword" value="{PLANTED}"/>', f'<add key="DbPassword" value="{MASK}"/>'),
        (f"<add value='{PLANTED}' name='pin'/>", f"<add value=\"{MASK}\" name='pin'/>"),
        (f'<setting name="secret">{PLANTED}', f'<setting name="secret">{MASK}'),
        (f'<db password="{PLANTED}" host="h"/>', f'<db password="{MASK}" host="h"/>'),
        (f"<keyMaterial>{PLANTED}</keyMaterial>", f"<keyMaterial>{MASK}</keyMaterial>"),
        ("<passwordMinimumLength>8</passwordMinimumLength>",) * 2,
        ('<add key="passwordMinimumLength" value="8"/>',) * 2,
        ("<pin>8</pin>", f"<pin>{MASK}</pin>"),
        ('<add key="level" value="a"/><password/><b>c</b>',) * 2,
        ("if a < b and c > d",) * 2,
    ],
)
def test_secrets_in_xml_are_masked(line: str, shown: str) -> None:
    assert mask_text(line) == shown


def test_the_text_of_an_element_may_begin_in_the_next_line() -> None:
    lines = [
        "<password>",
        f"  {PLANTED}",
        PLANTED,
        "</password>",
        "<a>shown</a>",
        "<token>",
        f"{PLANTED}</token>",
        "b",
    ]
    masked = ["<password>", MASK, MASK, "</password>", "<a>shown</a>", "<token>", MASK, "b"]
    assert mask_text("\n".join(lines)) == "\n".join(masked)
    assert mask_text("<secrets>\n<a>shown</a>\n</secrets>") == "<secrets>\n<a>shown</a>\n</secrets>"


@pytest.mark.parametrize(
    "token",
    [
        "eyJhbGciOi-eyJabc.eyJzdWIiOiIx.c2lnbmF0dXJl",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx-eyJhbGciOiJI.c2lnbmF0dXJl",
    ],
)
def test_a_token_is_masked_also_where_another_could_begin_in_it(token: str) -> None:
    assert mask_text(f"curl -H {token} x") == f"curl -H {MASK} x"
    assert redact(f"see {token}") == "see ***"
