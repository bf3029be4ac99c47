"""What does not change in the world: an environment, a restore plan, and its repository's commits."""

import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final
from uuid import UUID

import pygit2

from models.actor import Actor
from services.restores.planned_items import count
from services.reviews.evidence import ITEMS_AT_ONCE
from tests.proof.ports.rows import Row, row
from tests.proof.world import BEGINNING

WORKSPACE, ENVIRONMENT, POINT, PLAN, RUN = (UUID(int=number) for number in range(1, 6))
SECOND_RUN: Final = UUID(int=6)
REVIEW_RUN, SECOND_REVIEW_RUN = UUID(int=21), UUID(int=22)
FOREIGN_WORKSPACE, FOREIGN_ENVIRONMENT = UUID(int=11), UUID(int=12)
# Its path prefix has nothing under it.
EMPTY_ENVIRONMENT = UUID(int=13)
# Plans: of a refused item beside one that is not, of a refused one alone, and of one that is as wanted.
PARTLY, REFUSED, DONE = UUID(int=7), UUID(int=8), UUID(int=9)
ADA: Final = Actor(kind="user", name="ada@example.org")

ITEM, OTHER_ITEM = "a.json", "b.json"
# A branch with more items than a review is composed from at once.
LARGE: Final = "large"
_FILE: Final = 0o100644


class Objects:
    """Every object that the repository has in any history; which of them a ref is at, the world says."""

    def __init__(self, folder: str) -> None:
        self.repository = pygit2.init_repository(folder, bare=True)
        self.wanted = self._commit([], {ITEM: "1"}, "The state to restore")
        self.live = self._commit([self.wanted], {ITEM: "2"}, "The state that the plan saw")
        many = {f"{number}.json": "1" for number in range(ITEMS_AT_ONCE + 1)}
        self.large = self._commit([], many, "More than one step composes")
        self._copies = set[str]()

    @cache  # noqa: B019 - there is one, as long as the process
    def on_top(self, head: str, item: str) -> str:
        """Return another author's commit on a head, which changes one item."""
        return self._commit([head], {item: "3"}, "Another author's change")

    @cache  # noqa: B019
    def copied(self, head: str) -> str:
        """Return another author's copy, on a head, of the restore's commit that the head's history has."""
        original = self.repository[pygit2.Oid(hex=self.own(head)[0])].peel(pygit2.Commit)
        copy = self._commit([head], {}, original.message)
        self._copies.add(copy)
        return copy

    @cache  # noqa: B019
    def own(self, head: str) -> Sequence[str]:
        """Return the restore's commits in a head's history, without others' copies of them."""
        walk = self.repository.walk(pygit2.Oid(hex=head))
        named = (str(commit.id) for commit in walk if str(RUN) in commit.message)
        return tuple(commit for commit in named if commit not in self._copies)

    def blob(self, content: str) -> str:
        return str(self.repository.create_blob(content.encode()))

    def _commit(self, parents: Sequence[str], files: Mapping[str, str], message: str) -> str:
        trees = [self.repository[pygit2.Oid(hex=parent)].peel(pygit2.Tree) for parent in parents]
        builder = self.repository.TreeBuilder(*trees)
        for name, content in files.items():
            builder.insert(name, pygit2.Oid(hex=self.blob(content)), _FILE)
        author = pygit2.Signature("Ada", "ada@example.org", int(BEGINNING.timestamp()), 0)
        oids: list[str | pygit2.Oid] = [pygit2.Oid(hex=parent) for parent in parents]
        return str(self.repository.create_commit(None, author, author, message, builder.write(), oids))


@cache
def objects() -> Objects:
    return Objects(tempfile.mkdtemp(prefix="operationrun-proof-"))


@cache
def fixed_rows() -> Sequence[Row]:
    """Return the rows that no process writes."""
    found = objects()
    here = {"workspace_id": WORKSPACE, "environment_id": ENVIRONMENT, "created_at": BEGINNING}
    here |= {"created_by": ADA.name}
    live, wanted = ({"oid": found.blob(content), "mode": _FILE} for content in "21")
    update = {"path": ITEM, "change": "update", "reason": None, "live": live, "wanted": wanted}
    refused = {"path": "c.json", "change": "refused", "reason": "unparsed", "live": None, "wanted": wanted}
    unchanged = {**update, "change": "unchanged", "wanted": live}
    point = {"id": POINT, "label": "Before", "ref": "main", "commit": found.wanted}
    plan = {**here, "restore_point_id": POINT, "mode": "overlay", "items": [], "digest": ""}
    plan |= {"restore_commit": found.wanted, "live_commit": found.live}
    plans = {PLAN: [update], PARTLY: [update, refused], REFUSED: [refused], DONE: [unchanged]}
    return (
        _environment(ENVIRONMENT, WORKSPACE),
        _environment(EMPTY_ENVIRONMENT, WORKSPACE, path_prefix="nothing"),
        _environment(FOREIGN_ENVIRONMENT, FOREIGN_WORKSPACE),
        row("restore_points", {**here, **point}),
        *(
            row("restore_plans", {**plan, "id": name, "changes": changes, "counts": count(changes)})
            for name, changes in plans.items()
        ),
    )


def _environment(environment_id: UUID, workspace_id: UUID, *, path_prefix: str = "") -> Row:
    values = {"id": environment_id, "workspace_id": workspace_id, "created_at": BEGINNING}
    values |= {"slug": "one", "name": "One", "repository_url": "/nowhere"}
    return row("environments", {**values, "branch": "main", "path_prefix": path_prefix, "baseline_ref": None})
