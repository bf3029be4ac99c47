from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from models.base import Json
from models.contracts.review_compose import Evidence
from models.environment import Environment
from models.restore import RestorePoint
from services.inventory.facts_cache import ItemFacts
from services.inventory.inventory import Inventory, Note, take_inventory
from services.inventory.inventory_cache import KeptInventories
from services.inventory.reader import ItemReader
from services.repositories.diff import Change, TreeChange
from services.repositories.git import CheckCancelled
from services.repositories.mirror import Mirror
from services.repositories.objects import entry_groups
from services.reviews.changes import rows_of_changes
from services.reviews.conformance import Conformance, conformance_of
from services.reviews.context import ReviewContext
from services.reviews.differences import Differences, compare_trees
from services.reviews.findings import Comparison, find


@dataclass(frozen=True, kw_only=True)
class ReviewContent:
    """The columns of a review's row that hold what it says; `changes` is one object per changed item."""

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
    check_cancelled: CheckCancelled,
) -> ReviewContent:
    """Compose a review's content from commits that the mirror holds; the same evidence, the same content.

    1. Compare the live tree with the others while the facts of known items are read from disk.
    2. Read the changed items, then take the inventory: it finds the changed ones read.
    3. Derive the sections and findings from that, without any input or output.
    """
    facts, limit = ItemFacts(mirror.path), mirror.limits.max_file_bytes
    reader = ItemReader(mirror.repository, facts, prefix=environment.path_prefix, limit=limit)
    with ThreadPoolExecutor(max_workers=1) as comparing:
        compared = comparing.submit(compare_trees, mirror, environment, evidence, context.newest_point)
        facts.load()
        differences = compared.result()
    changes = differences.previous or ()
    rows = rows_of_changes(mirror, evidence, changes, reader, check_cancelled=check_cancelled)
    inventory = _inventory(mirror, evidence, differences.previous, reader, check_cancelled)
    kinds = _kinds(reader, differences.baseline or ())
    reader.save(items=inventory.items)
    return _content(evidence, context, differences, inventory, kinds, rows)


def _content(
    evidence: Evidence,
    context: ReviewContext,
    differences: Differences,
    inventory: Inventory,
    kinds: Mapping[str, str],
    rows: list[Json],
) -> ReviewContent:
    conformance = _conformance(differences, inventory)
    counts = Counter(change.change for change in differences.previous or ())
    changed = {str(change): counts[change] for change in Change}
    is_compared = differences.previous is not None
    compared_with = str(evidence.previous_review_id) if is_compared else None
    return ReviewContent(
        summary={"items": inventory.items, **changed, "unparsed": len(inventory.paths[Note.UNPARSED])},
        sections={
            "environment": context.environment,
            "inventory": inventory.by_kind(),
            "changes": {"compared_with": compared_with, **changed},
            "baseline": conformance.section(inventory.counts, kinds) if conformance else {"set": False},
            "restore": _restore_section(context, inventory, differences),
            "operations": context.operations,
            "history": list(context.history),
        },
        findings=find(
            inventory,
            conformance,
            comparison=_comparison(evidence, is_compared=is_compared),
            has_restore_point=context.newest_point is not None,
            by_outcome=context.operations["by_outcome"],
        ),
        changes=rows,
    )


def _conformance(differences: Differences, inventory: Inventory) -> Conformance | None:
    if differences.baseline is None:
        return None
    return conformance_of(differences.baseline, live_items=inventory.items)


def _restore_section(context: ReviewContext, inventory: Inventory, differences: Differences) -> Json:
    return {
        "newest_point": _point(context.newest_point),
        "coverage": _coverage(inventory.items, differences.point),
        "last_restore": context.last_restore,
    }


def _inventory(
    mirror: Mirror,
    evidence: Evidence,
    changes: Sequence[TreeChange] | None,
    reader: ItemReader,
    check_cancelled: CheckCancelled,
) -> Inventory:
    """Derive the inventory from the previous review's by what changed; without that one, read every item."""
    kept = KeptInventories(mirror.path, reader)
    before = kept.get(evidence.previous_commit) if evidence.previous_commit and changes is not None else None
    if before is not None:
        inventory = before.changed(changes or (), reader)
    else:
        live = entry_groups(mirror.repository, evidence.commit, reader.prefix)
        inventory = take_inventory(live, reader, check_cancelled=check_cancelled)
    kept.keep(evidence.commit, inventory)
    return inventory


def _kinds(reader: ItemReader, differences: Iterable[TreeChange]) -> Mapping[str, str]:
    """Return the kinds of the items that differ, by path; a renamed item has both of its paths."""
    entries = (
        entry
        for difference in differences
        for entry in (difference.old if difference.change is not Change.CHANGED else None, difference.new)
        if entry is not None
    )
    return {entry.path: reader.kind(entry) for entry in entries}


def _comparison(evidence: Evidence, *, is_compared: bool) -> Comparison:
    if evidence.previous_review_id is None:
        return Comparison.FIRST_REVIEW
    return Comparison.MADE if is_compared else Comparison.PREVIOUS_GONE


def _point(point: RestorePoint | None) -> Json | None:
    if point is None:
        return None
    return {"label": point.label, "commit": point.commit, "created_at": point.created_at.isoformat()}


def _coverage(items: int, differences: Iterable[TreeChange] | None) -> float | None:
    """Return the share of the live items that the restore point has too, from 0 to 1.

    None where there are no items, or the repository no longer has the point's commit.
    """
    if not items or differences is None:
        return None
    extra = sum(difference.change in {Change.ADDED, Change.RENAMED} for difference in differences)
    return round((items - extra) / items, 4)
