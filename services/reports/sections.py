"""The sections that reports share."""

from typing import Any, Final

from models.base import Json
from services.reports.blocks import Column, Fact, FactList, Figures, Section, Style, Table, Words
from services.reports.charts import severities
from services.reports.document import ReviewDocument
from services.reports.sentences import is_compared, operated, outcomes_of, restorable, when
from services.text import NONE, number

_CHANGES: Final = ("added", "changed", "renamed", "removed")
_PATHS: Final = {
    "missing": "Missing here",
    "drifted": "Different from the baseline",
    "extra": "Not in the baseline",
}


def fact(key: str, label: str, value: Any, style: Style = Style.TEXT, absent: str = "not recorded") -> Fact:
    """Return a named value."""
    return Fact(key=key, label=label, value=value, style=style, absent=absent)


def identity(document: ReviewDocument) -> FactList:
    """Return what identifies the review, for every report."""
    environment = document.section("environment")
    return FactList(
        key="review",
        facts=(
            fact("environment", "Environment", document.environment_name),
            fact("workspace", "Workspace", environment.get("workspace")),
            fact("composed_at", "Composed", document.composed_at, Style.MOMENT),
            fact("commit", "Commit", document.commit, Style.HASH),
            fact("review_id", "Review", document.review_id, Style.HASH),
            fact("fingerprint", "Fingerprint", document.fingerprint, Style.HASH),
        ),
    )


def figures(document: ReviewDocument) -> Figures:
    """Return the numbers that matter most."""
    baseline, coverage = document.section("baseline"), _coverage(document)
    changed = document.changed_items if is_compared(document) else None
    return Figures(
        key="figures",
        facts=(
            _figure("items", "items", document.counted("items"), _readable(document)),
            _figure("changed", "changed", changed, _changed(document)),
            _figure("score", "conforming", baseline.get("score"), _conformance(baseline), Style.PERCENT),
            _figure("findings", "findings", len(document.findings), _gravity(document)),
            _figure(
                "coverage",
                "restorable",
                coverage,
                "no restore point to measure by"
                if coverage is None
                else "of the items are in a restore point",
                Style.PERCENT,
            ),
        ),
    )


def restore_part(document: ReviewDocument) -> Section:
    """Describe the newest restore point and the last restore."""
    restore = document.section("restore")
    point, last = restore.get("newest_point") or {}, restore.get("last_restore") or {}
    none = "none" if restore else "not recorded"
    outcome = last.get("outcome")
    ended = when(last.get("completed_at"))
    facts = (
        fact("point", "Newest restore point", point.get("label"), absent=none),
        fact("pinned_at", "Pinned", when(point.get("created_at")), Style.MOMENT, absent=none),
        fact("commit", "At commit", point.get("commit"), Style.HASH, absent=none),
        fact("coverage", "Items it covers", _coverage(document), Style.PERCENT, absent="cannot be told"),
        fact("last_restore", "Last restore", outcome and outcome.replace("_", " "), absent=none),
        fact("last_restore_at", "Ended", ended, Style.MOMENT, absent=none),
        fact("last_restore_run_id", "Its run", last.get("run_id"), Style.HASH, absent=none),
    )
    return Section(
        key="restore_readiness",
        title="Restore readiness",
        intro=restorable(document),
        blocks=(FactList(key="restore", facts=facts),),
    )


def operations_part(document: ReviewDocument) -> Section:
    """Count the environment's operations by outcome."""
    table = Table(
        key="by_outcome",
        caption="Operations by outcome",
        columns=(
            Column(key="outcome", label="Outcome", is_wide=True),
            Column(key="runs", label="Operations", style=Style.NUMBER),
        ),
        rows=outcomes_of(document),
        empty="There were no other operations.",
    )
    return Section(key="operations_health", title="Operations", intro=operated(document), blocks=(table,))


def inventory_part(document: ReviewDocument) -> Section:
    """Count the items by kind."""
    table = Table(
        key="by_kind",
        caption="Items by kind",
        columns=(
            Column(key="kind", label="Kind", is_wide=True),
            Column(key="items", label="Items", style=Style.NUMBER),
        ),
        rows=document.listed("inventory"),
        empty="There are no items.",
    )
    return Section(key="inventory", title="Inventory", blocks=(table,))


def baseline_facts(document: ReviewDocument) -> FactList | Words:
    """Return how the environment conforms, and by which formula."""
    baseline = document.section("baseline")
    if not baseline.get("set"):
        return Words(key="baseline", text="No baseline is set for this environment.")
    return FactList(
        key="baseline",
        facts=(
            fact("score", "Conformance", baseline.get("score"), Style.PERCENT, absent="cannot be told"),
            fact("formula", "Reckoned as", baseline.get("formula")),
            fact("conforming", "As the baseline has them", baseline.get("conforming"), Style.NUMBER),
            fact("drifted", "Different", baseline.get("drifted"), Style.NUMBER),
            fact("missing", "Missing here", baseline.get("missing"), Style.NUMBER),
            fact("extra", "Not in the baseline", baseline.get("extra"), Style.NUMBER),
        ),
    )


def baseline_paths(document: ReviewDocument) -> list[Table]:
    """List the items that differ from the baseline."""
    baseline = document.section("baseline")
    named: Json = baseline.get("paths") or {}
    return [
        Table(
            key=name,
            caption=_named(title, len(named[name]), int(baseline.get(name) or 0)),
            columns=(Column(key="path", label="Path", style=Style.PATH, is_wide=True),),
            rows=[{"path": path} for path in named[name]],
        )
        for name, title in _PATHS.items()
        if named.get(name)
    ]


def _figure(key: str, label: str, value: Any, note: str, style: Style = Style.NUMBER) -> Fact:
    return Fact(key=key, label=label, value=value, style=style, note=note, absent=NONE)


def _coverage(document: ReviewDocument) -> float | None:
    coverage = document.section("restore").get("coverage")
    return None if coverage is None else round(100 * coverage, 2)


def _readable(document: ReviewDocument) -> str:
    unparsed = document.counted("unparsed")
    return f"{number(unparsed)} cannot be read" if unparsed else "all can be read"


def _changed(document: ReviewDocument) -> str:
    if not is_compared(document):
        return "nothing to compare with"
    counts = {name: document.counted(name) for name in _CHANGES}
    return ", ".join(f"{number(count)} {name}" for name, count in counts.items() if count) or "all as before"


def _conformance(baseline: Json) -> str:
    if not baseline.get("set"):
        return "no baseline is set"
    counts = {"different": int(baseline.get("drifted") or 0), "missing": int(baseline.get("missing") or 0)}
    apart = ", ".join(f"{number(count)} {word}" for word, count in counts.items() if count)
    return apart or "as the baseline has it"


def _gravity(document: ReviewDocument) -> str:
    counts = severities(document)
    return ", ".join(f"{number(count)} {name}" for name, count in counts.items() if count) or "all is well"


def _named(title: str, named: int, total: int) -> str:
    return f"{title}: {number(total)}" + (f", the first {number(named)} by path" if total > named else "")
