"""What people do: check, cancel, request and publish, and push to the branch with their own git."""

from collections.abc import Iterator

from models.review import ReviewStatus
from tests.proof.ports.statements import RUNS
from tests.proof.programs import cancelling, checking, publishing, requesting
from tests.proof.progress import begin
from tests.proof.scene import ITEM, OTHER_ITEM, RUN, SECOND_RUN, objects
from tests.proof.world import BRANCH, Process, Update, World

Moves = Iterator[tuple[str, World]]


def acts_of_people(world: World) -> Moves:
    """Return what people may do next, with what happened in words."""
    yield from _on_pages(world)
    yield from _on_the_branch(world)


def _on_pages(world: World) -> Moves:
    check, request = free(world, "check", 1), free(world, "request", 1)
    run_id = next((row["id"] for row in world.rows if row.table == RUNS), None)
    if world.left.checks and check and run_id:
        yield "an operator checks the run", begin(world.spend("checks"), Process(check, checking(run_id)))
    if world.left.cancel and request and run_id:
        yield "a person cancels the run", begin(world.spend("cancel"), Process(request, cancelling(run_id)))
    if world.left.requests:
        # The requests of a world are counted down, and each would make a run of its own.
        made = (RUN, SECOND_RUN)[world.left.requests - 1]
        process = Process(f"web {world.left.requests}", requesting(made))
        yield "a person requests a restore", begin(world.spend("requests"), process)
    drafts = (row for row in world.rows if row.values.get("status") == ReviewStatus.DRAFT)
    for review in drafts if world.left.publish and free(world, "publisher", 1) else ():
        process = Process("publisher 1", publishing(review["id"]))
        yield f"a person publishes {review['id']}", begin(world.spend("publish"), process)


def _on_the_branch(world: World) -> Moves:
    for mishap, item in (("unrelated", OTHER_ITEM), ("conflict", ITEM)):
        if getattr(world.left, mishap):
            head = objects().on_top(world.head, item)
            yield f"another author changes {item} on the branch", _moved(world, mishap, head)
    if world.left.copied and objects().own(world.head):
        copy = objects().copied(world.head)
        yield "another author picks the restore's commit once more", _moved(world, "copied", copy)
    if world.left.rewind and world.head != objects().live:
        yield "another author resets the branch", _moved(world, "rewind", objects().live)


def _moved(world: World, mishap: str, head: str) -> World:
    moved = world.spend(mishap)
    return moved._replace(remote=moved.remote.moved([Update(BRANCH, world.head, head)]))


def free(world: World, kind: str, most: int) -> str | None:
    """Return a slot for a process of a kind; None: so many are at work."""
    taken = {process.slot for process in world.processes}
    return next((slot for n in range(1, most + 1) if (slot := f"{kind} {n}") not in taken), None)
