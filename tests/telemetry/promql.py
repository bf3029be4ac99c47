"""The dashboard and the alerts as they are read: their expressions, and the metrics those name."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

DOCS = Path(__file__).parents[2] / "docs"
# Labels, ranges and lists of labels, none of which names a metric.
_ASIDES = re.compile(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|without)\s*\([^)]*\)")
_NAME = re.compile(r"\b[a-zA-Z_]\w*\b(?!\s*\()")
_OPERATORS = {"and", "or", "unless", "bool"}
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
    """Return the series that an expression of Prometheus' language names."""
    return set(_NAME.findall(_ASIDES.sub(" ", expression))) - _OPERATORS


def _expressions() -> Iterator[str]:
    for panel in dashboard()["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (rule["expr"] for rule in alerts())
