from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from models.base import Json
from models.contracts.review_compose import Evidence
from models.environment import Environment
from models.errors import RefNotFound
from models.restore import RestorePoint
from services.inventory.facts_cache import ItemFacts
from services.inventory.inventory import Inventory, Note, take_inventory
from services.inventory.inventory_cache import KeptInventories
from services.inventory.reader import ItemReader
from services.repositories.diff import Change, TreeChange, diff_trees
from services.repositories.mirror import Mirror
from services.repositories.objects import entry_groups
from services.reviews.changes import rows_of_changes
from services.reviews.conformance import conformance_of
from services.reviews.context import ReviewContext
from services.reviews.findings import Comparison, find


@dataclass(frozen=True, kw_only=True)
class ReviewContent:
    """What a review says, in the form its row keeps. `changes` is one object per changed item."""

    summary: Json
    sections: Json
    findings: list[Json]
    changes: list[Json]


@dataclass(frozen=True, kw_only=True)
class _Differences:
    """What differs from the live tree in those it is compared with; None where there is none to compare."""

    previous: Sequence[TreeChange] | None
    baseline: Sequence[TreeChange] | None
    point: Sequence[TreeChange] | None


def compose_content(
    mirror: Mirror,
    environment: Environment,
    evidence: Evidence,
    context: ReviewContext,
    *,
    check_cancelled: Callable[[], None],
) -> ReviewContent:
    """Compose a review's content from commits that the mirror holds; the same evidence, the same content."""
    facts, limit = ItemFacts(mirror.path), mirror.limits.max_file_bytes
    reader = ItemReader(mirror.repository, facts, prefix=environment.path_prefix, limit=limit)
    with ThreadPoolExecutor(max_workers=1) as comparing:
        compared = comparing.submit(_differences, mirror, environment, evidence, context.newest_point)
        facts.load()
        differences = compared.result()
    changes = differences.previous or ()
    rows = rows_of_changes(mirror, evidence, changes, reader, check_cancelled=check_cancelled)
    # After the changed items, which are known by now.
    inventory = _inventory(mirror, evidence, differences.previous, reader, check_cancelled)
    conformance = (
        conformance_of(differences.baseline, live_items=inventory.items)
        if differences.baseline is not None
        else None
    )
    baseline = (
        conformance.section(inventory.counts, _kinds(reader, differences.baseline or ()))
        if conformance
        else {"set": False}
    )
    reader.save(items=inventory.items)
    counts = Counter(change.change for change in changes)
    changed = {str(kind): counts[kind] for kind in Change}
    return ReviewContent(
        summary={"items": inventory.items, **changed, "unparsed": len(inventory.paths[Note.UNPARSED])},
        sections={
            "environment": context.environment,
            "inventory": inventory.by_kind(),
            "changes": {
                "compared_with": str(evidence.previous_review_id)
                if differences.previous is not None
                else None,
                **changed,
            },
            "baseline": baseline,
            "restore": {
                "newest_point": _point(context.newest_point),
                "coverage": _coverage(inventory.items, differences.point),
                "last_restore": context.last_restore,
            },
            "operations": context.operations,
            "history": list(context.history),
        },
        findings=find(
            inventory,
            conformance,
            comparison=_comparison(evidence, differences.previous),
            has_restore_point=context.newest_point is not None,
            by_outcome=context.operations["by_outcome"],
        ),
        changes=rows,
    )


def _differences(
    mirror: Mirror, environment: Environment, evidence: Evidence, point: RestorePoint | None
) -> _Differences:
    """Compare the live tree with that of the review before, the baseline's and the restore point's."""
    previous = evidence.previous_commit if _is_there(mirror, evidence.previous_commit) else None
    pinned = point.commit if point and _is_there(mirror, point.commit) else None
    commits = (previous, evidence.baseline_commit, pinned)
    # Each in a git of its own, at the same time.
    with ThreadPoolExecutor(max_workers=len(commits)) as git:
        found = {
            commit: git.submit(diff_trees, mirror, commit, evidence.commit, environment.path_prefix)
            for commit in dict.fromkeys(commits)
            if commit is not None
        }
    of = [found[commit].result() if commit is not None else None for commit in commits]
    return _Differences(previous=of[0], baseline=of[1], point=of[2])


def _inventory(
    mirror: Mirror,
    evidence: Evidence,
    changes: Sequence[TreeChange] | None,
    reader: ItemReader,
    check_cancelled: Callable[[], None],
) -> Inventory:
    """Follow from the inventory of the review before by what changed; without it, look at every item."""
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
    """Return the kinds of the items that differ, by path; of a renamed one, by both of its paths."""
    entries = (
        entry
        for difference in differences
        for entry in (difference.old if difference.change is not Change.CHANGED else None, difference.new)
        if entry is not None
    )
    return {entry.path: reader.kind(entry) for entry in entries}


def _comparison(evidence: Evidence, changes: Sequence[TreeChange] | None) -> Comparison:
    if evidence.previous_review_id is None:
        return Comparison.FIRST_REVIEW
    return Comparison.PREVIOUS_GONE if changes is None else Comparison.MADE


def _point(point: RestorePoint | None) -> Json | None:
    if point is None:
        return None
    return {"label": point.label, "commit": point.commit, "created_at": point.created_at.isoformat()}


def _coverage(items: int, differences: Iterable[TreeChange] | None) -> float | None:
    """Return the share of the live items that the restore point has too, 0 to 1; None: it cannot be told."""
    if not items or differences is None:
        return None
    extra = sum(difference.change in {Change.ADDED, Change.RENAMED} for difference in differences)
    return round((items - extra) / items, 4)


def _is_there(mirror: Mirror, commit: str | None) -> bool:
    try:
        mirror.ensure([commit] if commit else [])
    except RefNotFound:
        return False
    return commit is not None
