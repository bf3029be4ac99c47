from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.base import Json
from models.contracts import Evidence
from models.environment import Environment
from models.errors import RefNotFound
from services.conformance import Conformance, compare_with_baseline
from services.findings import Comparison, find
from services.inventory import Inventory, read_item, take_inventory
from services.paths import shown
from services.repositories.changes import Change, TreeChange, diff_trees
from services.repositories.mirror import Mirror
from services.repositories.objects import Entry, entries


@dataclass(frozen=True, kw_only=True)
class ReviewContent:
    """What a review says, in the form its row keeps. `changes` is one object per changed item."""

    summary: Json
    sections: Json
    findings: list[Json]
    changes: list[Json]


def compose_content(
    mirror: Mirror, environment: Environment, evidence: Evidence, *, beat: Callable[[], None]
) -> ReviewContent:
    """Compose a review's content from commits that the mirror holds; the same evidence, the same content."""
    prefix = environment.path_prefix
    repository = mirror.repository
    live = entries(repository, evidence.commit, prefix)
    inventory = take_inventory(repository, live, prefix=prefix, limit=mirror.limits.max_file_bytes, beat=beat)
    conformance = _conformance(mirror, prefix, live, evidence.baseline_commit)
    found = _changes(mirror, evidence, prefix)
    changes = found or []
    counts = Counter(change.change for change in changes)
    changed = {str(kind): counts[kind] for kind in Change}
    return ReviewContent(
        summary={"items": len(live), **changed, "unparsed": len(inventory.unparsed())},
        sections={
            "inventory": inventory.by_kind(),
            "changes": {
                "compared_with": str(evidence.previous_review_id) if evidence.previous_review_id else None,
                **changed,
            },
            "baseline": conformance.section() if conformance else {"set": False},
        },
        findings=find(inventory, conformance, comparison=_comparison(evidence, found)),
        changes=[_row(mirror, change, inventory, prefix) for change in changes],
    )


def _conformance(
    mirror: Mirror, prefix: str, live: Sequence[Entry], baseline_commit: str | None
) -> Conformance | None:
    if baseline_commit is None:
        return None
    baseline = entries(mirror.repository, baseline_commit, prefix)
    return compare_with_baseline(
        {entry.path: entry for entry in live}, {entry.path: entry for entry in baseline}
    )


def _comparison(evidence: Evidence, changes: Sequence[TreeChange] | None) -> Comparison:
    if evidence.previous_review_id is None:
        return Comparison.FIRST_REVIEW
    return Comparison.PREVIOUS_GONE if changes is None else Comparison.MADE


def _changes(mirror: Mirror, evidence: Evidence, prefix: str) -> Sequence[TreeChange] | None:
    """Return what changed since the review before; None: there is none, or its commit is gone."""
    if evidence.previous_commit is None:
        return None
    try:
        mirror.ensure([evidence.previous_commit])
    except RefNotFound:
        return None
    return diff_trees(mirror, evidence.previous_commit, evidence.commit, prefix)


def _row(mirror: Mirror, change: TreeChange, inventory: Inventory, prefix: str) -> Json:
    item = inventory.items.get(change.path)
    if item is None and change.before is not None:
        # Removed: its kind is what it was.
        removed = Entry(path=change.path, mode=change.mode_before, oid=change.before)
        item = read_item(mirror.repository, removed, prefix=prefix, limit=mirror.limits.max_file_bytes)
    return {
        "change": change.change,
        "kind": item.kind if item else "",
        "path": shown(change.path),
        "previous_path": shown(change.previous_path) if change.previous_path else None,
    }
