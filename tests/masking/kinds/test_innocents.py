"""False alarms: what only looks like a secret shows, in rows and messages; counted on real configuration."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.configuration.documents import ReadAs
from services.configuration.parsing import parse
from services.masking.messages import redact
from services.masking.parsed_values import masked
from services.masking.text import mask_lines, mask_text
from tests.left_out import leave_out
from tests.masking.kinds.formats import FORMATS, formats_of
from tests.masking.kinds.innocent import SETTINGS, TEXT_LINES, VALUES

SHARED = Path(__file__).parents[4] / "shared/data/openintunebaseline"
MOST_OF_A_THOUSAND = 1


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("form", formats_of("note"))
def test_what_is_no_secret_is_shown_in_every_format(value: str, form: str) -> None:
    path, write = FORMATS[form]
    values = parse(path, write("note", value).encode()).values
    assert values is not None
    (document,) = values.documents
    shown = mask_lines(document) if values.read_as is ReadAs.LINES else masked(document)
    assert shown == document


@pytest.mark.parametrize(("key", "value"), SETTINGS.items())
def test_settings_about_secrets_are_shown(key: str, value: Any) -> None:
    assert masked({"a": [{key: value}]}) == {"a": [{key: value}]}


@pytest.mark.parametrize("line", TEXT_LINES)
def test_lines_without_a_secret_are_shown(line: str) -> None:
    assert mask_lines(["a", line, "b"]) == ["a", line, "b"]


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_messages_keep_what_is_no_secret(value: str) -> None:
    # Stricter than a setting: a message has no user and no query of a URL.
    said = f"fatal: {value.replace('?', ' ').replace('git@', '')} was not found"
    assert redact(said) == said


@pytest.mark.shared_data
def test_at_most_one_setting_in_a_thousand_of_the_real_configuration_is_masked(tmp_path: Path) -> None:
    if not SHARED.exists():
        leave_out(
            "false alarms on real configuration",
            without=f"There is no {SHARED}.",
            in_ci_too=True,
        )
    repository = tmp_path / "real.git"
    subprocess.run(
        ["bash", str(SHARED / "make_repository.sh"), str(repository)], check=True, capture_output=True
    )
    pairs = [pair for content in _files(repository) for pair in _shown(*content)]
    hidden = [f"{path}: {value}" for path, value, shown in pairs if shown != value]
    print(f"false alarms: {len(hidden)} of {len(pairs)} settings")  # noqa: T201
    assert len(pairs) > 10_000
    assert len(hidden) * 1000 <= len(pairs) * MOST_OF_A_THOUSAND, "\n".join(hidden)


def _files(repository: Path) -> Iterator[tuple[str, bytes]]:
    git = ["git", "-C", str(repository)]
    names = subprocess.run(
        [*git, "ls-tree", "-r", "-z", "--name-only", "main"], check=True, capture_output=True, text=True
    )
    for name in filter(None, names.stdout.split("\0")):
        yield name, subprocess.run([*git, "show", f"main:{name}"], check=True, capture_output=True).stdout


def _shown(name: str, content: bytes) -> Iterator[tuple[str, Any, Any]]:
    """Yield each setting of a file, and what is shown of it."""
    values = parse(name, content).values
    for document in values.documents if values else ():
        if values and values.read_as is ReadAs.LINES:
            for line, shown in zip(document, mask_lines(document), strict=True):
                yield name, line, shown
        else:
            yield from _leaves(name, document, masked(document))


def _leaves(path: str, value: Any, shown: Any) -> Iterator[tuple[str, Any, Any]]:
    if type(value) is not type(shown) or not isinstance(value, dict | list):
        yield path, value, shown
    elif isinstance(value, dict):
        for (key, inner), (shown_key, shown_inner) in zip(value.items(), shown.items(), strict=True):
            yield from _leaves(f"{path} {key}", inner, shown_inner if key == shown_key else shown_key)
    else:
        for inner, shown_inner in zip(value, shown, strict=True):
            yield from _leaves(path, inner, shown_inner)


def test_a_leaf_that_is_masked_is_counted() -> None:
    content = json.dumps({"password": "x", "level": [1, {"a": "b"}]}).encode()
    assert [value for _, value, shown in _shown("a.json", content) if value != shown] == ["x"]
    assert mask_text("password = x") != "password = x"
