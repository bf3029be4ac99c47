from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from models.base import Json
from models.contracts import Evidence
from models.environment import Environment
from models.errors import RefNotFound
from models.restore import RestorePoint
from services.conformance import conformance_of
from services.findings import Comparison, find
from services.inventory import Inventory, Item, take_inventory
from services.item_facts import ItemFacts
from services.repositories.changes import Change, TreeChange, diff_trees
from services.repositories.mirror import Mirror
from services.repositories.objects import entries
from services.review_changes import change_rows, kind_before
from services.review_context import ReviewContext


@dataclass(frozen=True, kw_only=True)
class ReviewContent:
    """What a review says, in the form its row keeps. `changes` is one object per changed item."""

    summary: Json
    sections: Json
    findings: list[Json]
    changes: list[Json]


def compose_content(
    mirror: Mirror,
    environment: Environment,
    evidence: Evidence,
    context: ReviewContext,
    *,
    beat: Callable[[], None],
) -> ReviewContent:
    """Compose a review's content from commits that the mirror holds; the same evidence, the same content."""
    prefix, limit = environment.path_prefix, mirror.limits.max_file_bytes
    repository = mirror.repository
    live = entries(repository, evidence.commit, prefix)
    facts = ItemFacts(mirror.path)
    inventory = take_inventory(repository, live, prefix=prefix, limit=limit, facts=facts, beat=beat)
    facts.save()
    differences = _differences(mirror, evidence, prefix)
    conformance = conformance_of(differences, live_items=len(live)) if differences is not None else None
    found = _changes(mirror, evidence, prefix)
    changes = found or []
    counts = Counter(change.change for change in changes)
    changed = {str(kind): counts[kind] for kind in Change}

    gone = {change.previous_path or change.path: change for change in differences or ()}

    def kind_of(path: str) -> str:
        item = inventory.items.get(path)
        return item.kind if item else kind_before(mirror, environment, gone[path])

    return ReviewContent(
        summary={"items": len(live), **changed, "unparsed": len(inventory.unparsed())},
        sections={
            "environment": context.environment,
            "inventory": inventory.by_kind(),
            "changes": {
                "compared_with": str(evidence.previous_review_id) if found is not None else None,
                **changed,
            },
            "baseline": conformance.section(inventory.counts, kind_of) if conformance else {"set": False},
            "restore": {
                "newest_point": _point(context.newest_point),
                "coverage": _coverage(mirror, prefix, inventory, context.newest_point),
                "last_restore": context.last_restore,
            },
            "operations": context.operations,
            "history": list(context.history),
        },
        findings=find(
            inventory,
            conformance,
            comparison=_comparison(evidence, found),
            has_restore_point=context.newest_point is not None,
            by_outcome=context.operations["by_outcome"],
        ),
        changes=change_rows(mirror, environment, evidence, changes, inventory.items, beat=beat),
    )


def _differences(mirror: Mirror, evidence: Evidence, prefix: str) -> Sequence[TreeChange] | None:
    """Return what differs between the baseline and the live tree; None: no baseline is set."""
    if evidence.baseline_commit is None:
        return None
    return diff_trees(mirror, evidence.baseline_commit, evidence.commit, prefix)


def _comparison(evidence: Evidence, changes: Sequence[TreeChange] | None) -> Comparison:
    if evidence.previous_review_id is None:
        return Comparison.FIRST_REVIEW
    return Comparison.PREVIOUS_GONE if changes is None else Comparison.MADE


def _changes(mirror: Mirror, evidence: Evidence, prefix: str) -> Sequence[TreeChange] | None:
    """Return what changed since the review before; None: there is none, or its commit is gone."""
    if evidence.previous_commit is None or not _is_there(mirror, evidence.previous_commit):
        return None
    return diff_trees(mirror, evidence.previous_commit, evidence.commit, prefix)


def _point(point: RestorePoint | None) -> Json | None:
    if point is None:
        return None
    return {"label": point.label, "commit": point.commit, "created_at": point.created_at.isoformat()}


def _coverage(mirror: Mirror, prefix: str, inventory: Inventory, point: RestorePoint | None) -> float | None:
    """Return the share of the live items that the restore point has too, 0 to 1; None: it cannot be told."""
    items: Mapping[str, Item] = inventory.items
    if point is None or not items or not _is_there(mirror, point.commit):
        return None
    kept = {entry.path for entry in entries(mirror.repository, point.commit, prefix)}
    return round(len(kept & items.keys()) / len(items), 4)


def _is_there(mirror: Mirror, commit: str) -> bool:
    try:
        mirror.ensure([commit])
    except RefNotFound:
        return False
    return True
