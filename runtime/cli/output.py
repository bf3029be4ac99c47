import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from models.run_context import RunContext
from services.runs.response_models import QueuedRunAnswer, RunAnswer
from services.text import visible

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def json_option(command: Decorated) -> Decorated:
    """Give a command the option `--json`, as its argument `as_json`; every command takes it."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(command)


def show(values: Mapping[str, object] | Sequence[Mapping[str, object]], *, as_json: bool) -> None:
    """Print one result, or a list of them: as JSON, or as aligned lines for people.

    What JSON does not know (uuids, times) is printed as its text; None is `-` in lines.
    """
    if as_json:
        click.echo(_safe_json(values))
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
    text = json.dumps(value, default=str) if isinstance(value, Mapping | list | tuple) else str(value)
    # A terminal obeys what a name or a path carries.
    return visible(text)


def _safe_json(value: object) -> str:
    """Return JSON in which each character that is not printable is escaped."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def lines_of(run: RunAnswer) -> dict[str, object]:
    """Return one run as labelled lines for people."""
    return {
        "run": run.id,
        "type": run.type,
        "status": run.status,
        "outcome": run.outcome,
        "what happened": run.message.title,
        "what it means": run.message.body,
        "what to do": run.message.next,
        **({"why it waits": run.waiting.sentence} if isinstance(run, QueuedRunAnswer) else {}),
        **_cancellation(run),
        "requested by": run.initiator_name,
        "created": run.created_at,
        "completed": run.completed_at,
        "led to": f"{run.links.related.type} {run.links.related.id}" if run.links.related else None,
        "page": run.links.html,
        "temporal": run.links.temporal,
    }


def _cancellation(run: RunAnswer) -> dict[str, object]:
    asked = RunContext.model_validate(run.context).cancellation
    if asked is None:
        return {}
    beyond = asked.point_of_no_return
    return {
        "cancellation": f"requested by {asked.requested_by} at {asked.requested_at.isoformat()}",
        "delivered": asked.delivered_at.isoformat() if asked.delivered_at else "not yet",
        "stopped": asked.acknowledged_at.isoformat() if asked.acknowledged_at else "not yet",
        **({"cannot undo": f"commit {beyond[:7]}, already pushed or being pushed"} if beyond else {}),
    }


def row_of(run: RunAnswer) -> dict[str, object]:
    """Return one run as its row in a list."""
    return {
        "run": run.id,
        "created": f"{run.created_at:%Y-%m-%d %H:%M:%S}",
        "type": run.type,
        "status": run.status,
        "outcome": run.outcome,
        "what happened": run.message.title,
    }
