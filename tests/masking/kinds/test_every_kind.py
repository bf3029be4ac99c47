"""Every kind of secret, in every format where it makes sense: in no row, and that it changed is shown."""

import json
from importlib.resources import files

import pytest

from services.configuration.diff import compare
from services.configuration.parsing import parse
from services.masking.keys import MASK
from services.masking.parsed_values import mask_changes
from services.masking.rows import setting_rows
from services.masking.rules import read_rules
from services.masking.token_forms import mask_name
from services.reviews.findings import Severity, _finding
from tests.masking.kinds.examples import example, is_of_maker
from tests.masking.kinds.formats import FORMATS, OVER_LINES, as_lines_of, formats_of
from tests.masking.kinds.planted import (
    AROUND,
    BODIES,
    FILE_NAMES,
    FILES,
    LINES,
    NAMES,
    NUMBERS,
    WORDS,
    tokens,
)

# Rules whose secret is a part of a longer form: an example of each is among AROUND and LINES.
_RULES = json.loads((files("services.masking") / "rule_files/gitleaks.json").read_text())["rules"]
_THEIRS = {rule.id: rule for rule in read_rules() if rule.id in {each["id"] for each in _RULES}}
_OF_A_LONGER_FORM = {
    *("curl-auth-header", "curl-auth-user", "sidekiq-sensitive-url", "facebook-access-token"),
    *("microsoft-teams-webhook", "aws-amazon-bedrock-api-key-short-lived"),
}
_NAMES_OF_MAKERS = {
    "snyk-api-token": "snyk_token",
    "sonar-api-token": "sonar_login",
    "messagebird-api-token": "messagebird",
    "gocardless-api-token": "gocardless",
    "typeform-api-token": "typeform",
    "lob-api-key": "lob",
    "lob-pub-api-key": "lob",
    "new-relic-user-api-key": "newrelic",
    "new-relic-browser-api-token": "newrelic",
    "new-relic-insert-key": "newrelic",
    "atlassian-api-token": "jira",
}
INNOCENT = "note"


def of_rules() -> dict[str, tuple[str, tuple[str, str]]]:
    """Return by rule of gitleaks' a key, and two secrets."""
    found = {}
    for name, rule in _THEIRS.items():
        if name not in _OF_A_LONGER_FORM:
            pair = (example(rule, 1), example(rule, 2))
            needs_name = is_of_maker(rule) or not any(word in pair[0].lower() for word in rule.keywords)
            found[name] = (_NAMES_OF_MAKERS.get(name, rule.keywords[0]) if needs_name else INNOCENT, pair)
    return found


KEYED = {
    **{f"token: {name}": (INNOCENT, pair) for name, pair in tokens().items()},
    **{f"gitleaks: {name}": keyed for name, keyed in of_rules().items()},
    **{f"name: {name}": (name, WORDS) for name in NAMES},
    **{
        f"around: {name}": (INNOCENT, (text.format(BODIES[0]), text.format(BODIES[1])))
        for name, text in AROUND.items()
    },
}


def rows_of(path: str, before: str, after: str) -> str:
    """Return as JSON what a review's rows show of a change."""
    sides = [parse(path, text.encode()).values for text in (before, after)]
    assert sides[0] is not None
    assert sides[1] is not None
    rows = setting_rows(mask_changes(compare(sides[0], sides[1]), sides[0], sides[1]))
    return json.dumps(rows, ensure_ascii=False)


def assert_hidden(path: str, before: str, after: str, secrets: tuple[str, str]) -> None:
    for one, other in ((before, after), (after, before), ("", after) if "." not in path else (after, before)):
        shown = rows_of(path, one, other)
        assert not any(secret in shown for secret in secrets), shown
        assert MASK in shown
        assert '"change": ' in shown


def planted_part(text: str) -> str:
    """Return the part of an example that must not be seen."""
    return next((body for body in (*BODIES, *WORDS) if body in text), text)


def test_there_are_at_least_300_kinds() -> None:
    assert len(KEYED) + len(LINES) + len(FILES) + len(NUMBERS) >= 300


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        (kind, form)
        for kind, (key, _) in KEYED.items()
        for form in formats_of(key)
        # What is known only beside its maker's name has that name in its own line.
        if form not in OVER_LINES or not kind.startswith("gitleaks: ") or key == INNOCENT
    ],
)
def test_no_secret_is_in_a_row_of_any_format(kind: str, form: str) -> None:
    key, pair = KEYED[kind]
    path, write = FORMATS[form]
    secrets = (planted_part(pair[0]), planted_part(pair[1]))
    assert_hidden(path, write(key, pair[0]), write(key, pair[1]), secrets)


@pytest.mark.parametrize("kind", LINES)
@pytest.mark.parametrize("form", as_lines_of(""))
def test_no_secret_is_in_a_row_of_lines(kind: str, form: str) -> None:
    secrets = BODIES
    path, before = as_lines_of(LINES[kind].format(secrets[0]))[form]
    _, after = as_lines_of(LINES[kind].format(secrets[1]))[form]
    assert_hidden(path, before, after, secrets)


@pytest.mark.parametrize("kind", FILES)
def test_no_secret_is_in_a_row_by_its_structure(kind: str) -> None:
    path, text = FILES[kind]
    assert_hidden(path, text.format(BODIES[0]), text.format(BODIES[1]), BODIES)


@pytest.mark.parametrize("kind", NUMBERS)
def test_no_number_that_is_a_secret_is_in_a_row(kind: str) -> None:
    path, text = NUMBERS[kind]
    assert_hidden(path, text.format(48151623), text.format(11235813), ("48151623", "11235813"))


@pytest.mark.parametrize("kind", tokens())
@pytest.mark.parametrize("name", FILE_NAMES)
def test_no_secret_is_in_the_name_of_a_file(kind: str, name: str) -> None:
    token = tokens()[kind][0].replace("/", "_")
    shown = mask_name(name.format(token))
    assert token not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    "name",
    [
        "Compliance/Win - OIB - Password - v3.1.json",
        "a/level=3.json",
        "secrets/token.yaml",
        "a/66a8d0f2-1c4e-4b7a-9f3d-2b1c0a9e8d7f.json",
    ],
)
def test_other_names_of_files_are_shown(name: str) -> None:
    assert mask_name(name) == name


def test_a_finding_names_no_secret() -> None:
    token = tokens()["github p"][0]
    finding = _finding("item_unparsed", Severity.INFO, "x", [f"a/{token}.json", "a/b.json"])
    assert finding["items"] == [f"a/{MASK}.json", "a/b.json"]
