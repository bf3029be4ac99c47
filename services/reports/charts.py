from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from models.base import Json
from services.reports.blocks import Chart, Column, Style, Table
from services.reports.document import ReviewDocument
from services.reports.drawing import SOFT, Drawing
from services.reviews.findings import Severity
from services.text import counted, day, kind_name, number, rounded, shortened_path

KINDS_DRAWN: Final = 7
REVIEWS_DRAWN: Final = 12
DATES_WRITTEN: Final = 7
KIND_LENGTH: Final = 30
LABEL_SIZE: Final = 9.0

_CHANGES: Final = {"added": "#3f8f5f", "changed": "#24598a", "renamed": "#9aa7b3", "removed": "#b4532a"}
_CONFORMANCE: Final = {"conforming": "#3f8f5f", "drifted": "#d3962a", "missing": "#ad2b2b"}
_SEVERITIES: Final = {
    Severity.CRITICAL: "#ad2b2b",
    Severity.WARNING: "#d3962a",
    Severity.INFO: "#6d8cab",
}

_WIDTH: Final = 340.0
_BARS: Final = 92.0


def changes_over_time(document: ReviewDocument) -> Chart:
    """Chart how much changed between the environment's published reviews, this one last."""
    rows = [*document.listed("history")[-REVIEWS_DRAWN:]]
    if document.previous_review_id is not None:
        rows.append(_present(document))
    rows = [{**row, "total": sum(int(row.get(name) or 0) for name in _CHANGES)} for row in rows]
    key, title = "changes_over_time", "Changes over time"
    said = "; ".join(f"{day(_at(row))}: {counted(row['total'], 'change')}" for row in rows)
    description = (
        f"Changed items per review, the latest last. {said}."
        if len(rows) > 1
        else "There is no row of published reviews yet; changes over time are shown from the next review on."
    )
    return Chart(
        key=key,
        title=title,
        description=description,
        svg=_draw_history(key, title, description, rows) if len(rows) > 1 else None,
        table=Table(
            key=key,
            caption="Changes and conformance per review",
            columns=(
                Column(key="composed_at", label="Composed", style=Style.MOMENT),
                *(Column(key=name, label=name.capitalize(), style=Style.NUMBER) for name in _CHANGES),
                Column(key="score", label="Conformance", style=Style.PERCENT),
                Column(key="review_id", label="Review", style=Style.HASH),
            ),
            rows=rows,
        ),
    )


def conformance_by_kind(document: ReviewDocument) -> Chart:
    """Chart for each kind how many of the baseline's items match it."""
    baseline = document.section("baseline")
    rows = [{**row, "expected": _expected(row)} for row in baseline.get("by_kind") or []]
    key, title = "conformance_by_kind", "Conformance by kind"
    drawn = _most_apart(rows)
    said = "; ".join(f"{row['kind']}: {row.get('conforming', 0)} of {row['expected']}" for row in drawn)
    description = f"Items as the baseline has them, by kind, the furthest apart first. {said}."
    if not drawn:
        description = (
            "The baseline holds no items."
            if baseline.get("set")
            else "No baseline is set for this environment, so conformance cannot be told."
        )
    return Chart(
        key=key,
        title=title,
        description=description,
        svg=_draw_conformance(key, title, description, drawn) if drawn else None,
        table=Table(
            key=key,
            caption="Conformance with the baseline by kind",
            columns=(
                Column(key="kind", label="Kind", is_wide=True),
                Column(key="conforming", label="As the baseline", style=Style.NUMBER),
                Column(key="drifted", label="Different", style=Style.NUMBER),
                Column(key="missing", label="Missing", style=Style.NUMBER),
                Column(key="extra", label="Not in the baseline", style=Style.NUMBER),
            ),
            rows=rows,
            empty="There is no baseline to compare with.",
        ),
    )


def findings_by_severity(document: ReviewDocument) -> Chart:
    """Chart the number of findings of each severity."""
    counts = severities(document)
    key, title = "findings_by_severity", "Findings by severity"
    description = f"Findings: {', '.join(f'{number(counts[name])} {name}' for name in _SEVERITIES)}."
    return Chart(
        key=key,
        title=title,
        description=description,
        svg=_draw_severities(key, title, description, counts),
        table=Table(
            key=key,
            caption="Findings by severity",
            columns=(
                Column(key="severity", label="Severity", is_wide=True),
                Column(key="findings", label="Findings", style=Style.NUMBER),
            ),
            rows=[{"severity": name.value, "findings": counts[name]} for name in _SEVERITIES],
        ),
    )


def severities(document: ReviewDocument) -> Mapping[Severity, int]:
    """Count the findings by severity, the most severe first."""
    found = [finding.get("severity") for finding in document.findings]
    return {severity: found.count(severity) for severity in _SEVERITIES}


def _draw_history(key: str, title: str, description: str, rows: Sequence[Json]) -> str:
    height = _BARS + 48
    drawing = Drawing(key, width=_WIDTH, height=height, title=title, description=description)
    drawing.legend(9, {fill: name for name, fill in _CHANGES.items()})
    floor = height - 16
    most = max(row["total"] for row in rows) or 1
    slot = _WIDTH / len(rows)
    every = 1 if len(rows) <= DATES_WRITTEN else 2
    days = {_at(row).date() for row in rows}
    for place, row in enumerate(rows):
        middle, top = slot * (place + 0.5), floor
        for name, fill in _CHANGES.items():
            tall = (_BARS - 14) * int(row.get(name) or 0) / most
            top -= tall
            if tall:
                drawing.bar(middle - min(30, slot * 0.62) / 2, top, min(30, slot * 0.62), tall, fill=fill)
        is_last = row is rows[-1]
        drawing.text(middle, top - 4, rounded(row["total"]), anchor="middle", bold=is_last)
        if (len(rows) - 1 - place) % every == 0:
            at = _at(row)
            # Reviews of one day differ by the hour alone.
            label = f"{at.day} {at:%b}" if len(days) > 1 else f"{at:%H:%M}"
            drawing.text(middle, height - 3, label, anchor="middle", fill=SOFT, bold=is_last)
    drawing.line(0, floor, _WIDTH, floor)
    return drawing.finish()


def _draw_conformance(key: str, title: str, description: str, rows: Sequence[Json]) -> str:
    step, start, wide = 17.0, 180.0, 98.0
    height = 22 + step * len(rows)
    drawing = Drawing(key, width=_WIDTH, height=height, title=title, description=description)
    drawing.legend(
        9, dict(zip(_CONFORMANCE.values(), ("as the baseline", "different", "missing"), strict=True))
    )
    for place, row in enumerate(rows):
        y, x = 22 + step * place, start
        kind = shortened_path(kind_name(str(row["kind"])), KIND_LENGTH)
        drawing.text(start - 6, y + 10, kind, anchor="end", size=LABEL_SIZE)
        for name, fill in _CONFORMANCE.items():
            share = wide * int(row.get(name) or 0) / row["expected"]
            if share:
                drawing.bar(x, y + 1, max(share - 0.8, 0.6), 11, fill=fill)
            x += share
        words = f"{rounded(row.get('conforming') or 0)} of {rounded(row['expected'])}"
        drawing.text(start + wide + 6, y + 10, words, size=LABEL_SIZE)
    return drawing.finish()


def _draw_severities(key: str, title: str, description: str, counts: Mapping[Severity, int]) -> str:
    step, start, wide = 20.0, 56.0, 240.0
    drawing = Drawing(key, width=_WIDTH, height=step * len(counts) + 2, title=title, description=description)
    most = max([*counts.values(), 1])
    for place, (severity, count) in enumerate(counts.items()):
        y = step * place + 2
        drawing.text(start - 6, y + 11, severity.capitalize(), anchor="end")
        tall = wide * count / most
        if count:
            drawing.bar(start, y, tall, 14, fill=_SEVERITIES[severity])
        drawing.text(start + tall + 6, y + 11, number(count), bold=bool(count))
    drawing.line(start, 0, start, step * len(counts))
    return drawing.finish()


def _present(document: ReviewDocument) -> Json:
    return {
        "review_id": str(document.review_id),
        "composed_at": document.composed_at.isoformat(),
        "score": document.section("baseline").get("score"),
        **{name: document.counted(name) for name in _CHANGES},
    }


def _expected(row: Json) -> int:
    return sum(int(row.get(name) or 0) for name in _CONFORMANCE)


def _most_apart(rows: Sequence[Json]) -> list[Json]:
    """Return the kinds to draw, the furthest apart first; those past the limit share one bar."""
    expected = [row for row in rows if row["expected"]]
    expected.sort(key=lambda row: (int(row.get("conforming") or 0) - row["expected"], str(row["kind"])))
    if len(expected) <= KINDS_DRAWN:
        return expected
    shown, others = expected[: KINDS_DRAWN - 1], expected[KINDS_DRAWN - 1 :]
    names = (*_CONFORMANCE, "expected")
    together = {name: sum(int(row.get(name) or 0) for row in others) for name in names}
    return [*shown, {"kind": f"{len(others)} more kinds", **together}]


def _at(row: Json) -> datetime:
    return datetime.fromisoformat(str(row["composed_at"]))
