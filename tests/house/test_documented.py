"""The docs name every setting, command, route and reason code, and nothing that is not there."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
import pytest

from models.reason_codes import ReasonCode
from runtime.cli.main import operationrun
from runtime.container import build_web_app
from runtime.settings import Settings
from runtime.telemetry.tracing import ENDPOINTS
from tests.factories import STRONG_KEY

DOCS = Path(__file__).parents[2] / "docs"
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
ROW = re.compile(r"^\| `([^`]+)` \|.*\w.* \|$", re.MULTILINE)


def documented(page: str, section: str) -> list[str]:
    """Return what stands in the first column of a section's table."""
    text = (DOCS / page).read_text().split(f"\n## {section}\n")[1].split("\n## ")[0]
    return ROW.findall(text)


def settings() -> list[str]:
    return [*Settings.variables().values(), *ENDPOINTS]


def commands() -> list[str]:
    return list(_leaves(operationrun, ()))


def _leaves(command: click.Command, path: Sequence[str]) -> Iterator[str]:
    if not isinstance(command, click.Group):
        yield " ".join(path)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        assert child
        yield from _leaves(child, [*path, name])


def routes() -> list[str]:
    """Return the routes for programs; nothing is connected to for them."""
    app = build_web_app(
        Settings(database_url="postgresql://", temporal_address="nowhere:1", secret_key=STRONG_KEY)
    )
    return [
        " ".join((method, PARAMETER.sub(r"{\1}", rule.rule)))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") or rule.endpoint.startswith("health.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]


def reason_codes() -> list[str]:
    return [code.value for code in ReasonCode]


@pytest.mark.parametrize(
    ("page", "section", "listed"),
    [
        ("reference.md", "Settings", settings),
        ("reference.md", "Commands", commands),
        ("reference.md", "Routes", routes),
        ("reference.md", "Reason codes", reason_codes),
        ("operating.md", "Reason codes", reason_codes),
    ],
)
def test_a_page_names_all_there_is_and_nothing_else(
    page: str, section: str, listed: Callable[[], list[str]]
) -> None:
    there, named = listed(), documented(page, section)
    missing, gone = sorted(set(there) - set(named)), sorted(set(named) - set(there))
    assert there
    assert not missing, f"Add a row each to the table '{section}' of docs/{page} for: {', '.join(missing)}"
    assert not gone, f"Remove from the table '{section}' of docs/{page}: {', '.join(gone)}"
    assert len(named) == len(set(named)), f"The table '{section}' of docs/{page} names something twice."
