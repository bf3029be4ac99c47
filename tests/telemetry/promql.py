"""The dashboard and the alerts as Prometheus reads them: their expressions, and the metrics those name."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import yaml

DOCS = Path(__file__).parents[2] / "docs"
_SERIES = re.compile(r"_(?:bucket|count|sum)$")


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DOCS / "grafana" / "operationrun.json").read_text())
    return found


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DOCS / "prometheus" / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def metrics_shown() -> set[str]:
    """Return the metrics that the dashboard or an alert names; of a histogram, its own name."""
    return {_SERIES.sub("", name) for expression in _expressions() for name in named(expression)}


def named(expression: str) -> set[str]:
    """Return the series that a PromQL expression selects; raise ValueError where it does not parse."""
    found: set[str] = set()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector) and node.name:
            found.add(node.name)

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def _expressions() -> Iterator[str]:
    for panel in dashboard()["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (rule["expr"] for rule in alerts())
