"""What the remote does with the pushes that it holds: take them, late or at once, refuse them, lose them."""

from collections.abc import Iterator

from tests.proof.ports.remote import Said, said, unheard
from tests.proof.progress import answer
from tests.proof.world import Flight, Update, World


def landings(world: World) -> Iterator[tuple[str, World]]:
    """Return everything that may become of each push."""
    for flight in world.remote.flights:
        refs = " and ".join(update.ref.rpartition("/")[2] for update in flight.updates)
        name = f"the push of {refs} by {flight.owner or 'a git without its process'}"
        for words, after in _of_owned(world, flight) if flight.owner else _of_orphan(world, flight):
            yield f"{name} {words}", after


def _of_orphan(world: World, flight: Flight) -> Iterator[tuple[str, World]]:
    gone = world._replace(remote=world.remote.without(flight))
    if not world.remote.holds_for(flight) or _refused(world, flight):
        yield "changes nothing", gone
        return
    yield "lands late", _landed(world, flight, flight.updates)
    yield "dies", gone
    yield from _half(world, flight)


def _of_owned(world: World, flight: Flight) -> Iterator[tuple[str, World]]:
    assert flight.owner is not None
    gone = world._replace(remote=world.remote.without(flight))
    answers = _answers(world, flight)
    landed = world.remote.holds_for(flight) and not _refused(world, flight)
    after = _landed(world, flight, flight.updates) if landed else gone
    for words, given in answers:
        yield words, answer(after, flight.owner, given)
    if world.left.refused and landed:
        yield "is refused", answer(gone.spend("refused"), flight.owner, said(flight.updates, "refused"))
    if world.left.lost:
        lost = unheard(flight.updates)
        yield f"{answers[0][0]}, and the answer is lost", answer(after.spend("lost"), flight.owner, lost)
        if landed:
            held = world._replace(remote=world.remote.without(flight, flight._replace(owner=None)))
            yield "is held, and its git gives up", answer(held.spend("lost"), flight.owner, lost)
    for words, broken in _half(world, flight):
        yield words, answer(broken, flight.owner, unheard(flight.updates))


def _answers(world: World, flight: Flight) -> list[tuple[str, Said]]:
    refused = _refused(world, flight)
    if refused:
        words = {update.ref: "refused" if update.ref in refused else "withheld" for update in flight.updates}
        return [("is refused its ticket", Said(tuple(words.items())))]
    if world.remote.holds_for(flight):
        return [("lands", said(flight.updates, "accepted"))]
    now = world.remote.by_name
    stale = {update.ref for update in flight.updates if now.get(update.ref) != update.expected}
    words = {update.ref: "stale" if update.ref in stale else "withheld" for update in flight.updates}
    # Remotes differ in how they report a ref that moved under the push.
    return [
        ("comes too late", Said(tuple(words.items()))),
        ("comes too late, by a broken transaction", said(flight.updates, "unknown")),
    ]


def _half(world: World, flight: Flight) -> Iterator[tuple[str, World]]:
    if not world.left.half or len(flight.updates) < 2 or not world.remote.holds_for(flight):
        return
    for update in flight.updates:
        yield (
            f"moves {update.ref.rpartition('/')[2]} alone, and the server dies",
            _landed(world.spend("half"), flight, (update,)),
        )


def _landed(world: World, flight: Flight, updates: tuple[Update, ...]) -> World:
    return world._replace(remote=world.remote.without(flight).moved(updates))


def _refused(world: World, flight: Flight) -> set[str]:
    if world.remote.takes == "tickets":
        return set()
    return {update.ref for update in flight.updates if update.ref.startswith("refs/operation-runs/")}
