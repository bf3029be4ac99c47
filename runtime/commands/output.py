import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def json_option(command: Decorated) -> Decorated:
    """Give a command the option `--json`, as its argument `as_json`; every command has it."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(command)


def show(values: Mapping[str, object] | Sequence[Mapping[str, object]], *, as_json: bool) -> None:
    """Print one result, or a list of them: as JSON, or as aligned lines for people.

    What JSON does not know (uuids, times) is printed as its text; None is `-` in lines.
    """
    if as_json:
        click.echo(json.dumps(values, default=str, ensure_ascii=False))
    elif isinstance(values, Mapping):
        _echo_lines([(f"{name}:", value) for name, value in values.items()])
    elif values:
        _echo_lines([tuple(values[0]), *(tuple(each.values()) for each in values)])


def _echo_lines(rows: Sequence[Sequence[object]]) -> None:
    cells = [[_text(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _text(value: object) -> str:
    if value is None:
        return "-"
    return json.dumps(value, default=str) if isinstance(value, Mapping | list | tuple) else str(value)
