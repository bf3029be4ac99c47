"""The way to the remote: a mirror that has every object, and whose every question and push is an effect."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import pygit2

from models.errors import EnvironmentUnreachable, RefNotFound
from services.connections.access import EnvironmentMirrors
from services.repositories.git import never_cancelled
from services.repositories.push_answer import PushAnswer, RefAnswer
from services.repositories.refs import branch_ref, check_ref
from services.repositories.remote import RefUpdate
from tests.proof.replay import WAITS, Ports, Raises, Step
from tests.proof.world import Flight, Process, Remote, Update, World


class Said(NamedTuple):
    """What a remote answered to a push, by ref, in the words of services/repositories/push_answer.py."""

    refs: tuple[tuple[str, str], ...]
    heard: bool = True
    is_atomic: bool = True


def said(updates: Sequence[Update], word: str, **more: bool) -> Said:
    """Return an answer that is the same for every ref."""
    return Said(tuple((update.ref, word) for update in updates), **more)


def unheard(updates: Sequence[Update]) -> Said:
    return said(updates, "unknown", heard=False)


@dataclass(frozen=True)
class ReadRefs:
    """Asks for the objects of refs."""

    refs: tuple[str, ...]

    def is_quiet(self, world: World, process: Process) -> bool:  # noqa: ARG002
        return False

    def perform(self, world: World, process: Process) -> Sequence[Step]:  # noqa: ARG002
        found = tuple((ref, oid) for ref, oid in world.remote.refs if ref in self.refs)
        what = ", ".join(ref.rpartition("/")[2] for ref in self.refs)
        steps: list[Step] = [(f"reads {what} at the remote", found, world)]
        if world.left.unreachable:
            lost = world.spend("unreachable")
            steps.append(("finds the remote out of reach", Raises(EnvironmentUnreachable), lost))
        return steps


@dataclass(frozen=True)
class Fetch:
    """Fetches every branch."""

    def is_quiet(self, world: World, process: Process) -> bool:  # noqa: ARG002
        return False

    def perform(self, world: World, process: Process) -> Sequence[Step]:
        if world.remote.unfit:
            return [("finds what may not be fetched", Raises(world.remote.unfit), world)]
        names = tuple(ref for ref, _ in world.remote.refs if ref.startswith("refs/heads/"))
        return ReadRefs(names).perform(world, process)


@dataclass(frozen=True)
class Push:
    """Sends a push, as git does: it reads the refs first, and leaves out what is there already."""

    updates: tuple[Update, ...]

    def is_quiet(self, world: World, process: Process) -> bool:  # noqa: ARG002
        return False

    def perform(self, world: World, process: Process) -> Sequence[Step]:
        if any(flight.owner == process.slot for flight in world.remote.flights):
            return []
        at_once = self._answer_at_once(world.remote)
        steps = [
            self._sent(world, process) if at_once is None else (f"{self}: {_words(at_once)}", at_once, world)
        ]
        if world.left.lost:
            steps.append((f"{self}, which never arrives", unheard(self.updates), world.spend("lost")))
        return steps

    def _answer_at_once(self, remote: Remote) -> Said | None:
        if len(self.updates) > 1 and remote.takes == "one ref":
            return said(self.updates, "refused", is_atomic=False)
        now = remote.by_name
        there = {update.ref for update in self.updates if now.get(update.ref) == update.new}
        stale = {update.ref for update in self.updates if now.get(update.ref) != update.expected} - there
        if not stale and len(there) < len(self.updates):
            return None
        rest = "withheld" if stale else "unchanged"
        words = {**dict.fromkeys(there, "unchanged"), **dict.fromkeys(stale, "stale")}
        return Said(tuple((update.ref, words.get(update.ref, rest)) for update in self.updates))

    def _sent(self, world: World, process: Process) -> Step:
        now = world.remote.by_name
        moving = tuple(update for update in self.updates if now.get(update.ref) != update.new)
        flights = (*world.remote.flights, Flight(process.slot, moving))
        remote = world.remote._replace(flights=tuple(sorted(flights, key=str)))
        return str(self), WAITS, world._replace(remote=remote)

    def __str__(self) -> str:
        return f"pushes {' and '.join(update.ref.rpartition('/')[2] for update in self.updates)}"


def _words(answer: Said) -> str:
    return ", ".join(f"{ref.rpartition('/')[2]} {word}" for ref, word in answer.refs)


class ModelMirror:
    """A Mirror on the checker's ports."""

    def __init__(self, ports: Ports, repository: pygit2.Repository) -> None:
        self._ports = ports
        self._fetched: Mapping[str, str] = {}
        self.repository = repository

    def holds(self, commit: str) -> bool:
        return commit in self.repository

    def ensure(self, commits: Collection[str], check_cancelled: Any = never_cancelled) -> None:
        """Do nothing: every object is here."""

    def fetch(self, check_cancelled: Any = never_cancelled) -> None:  # noqa: ARG002
        self._fetched = dict(self._ports.do(Fetch()))

    def resolve(self, ref: str) -> str:
        name = check_ref(ref) if ref.startswith("refs/") else branch_ref(check_ref(ref))
        if name not in self._fetched:
            raise RefNotFound(ref)
        return self._fetched[name]

    def read_refs(self, refs: Collection[str], check_cancelled: Any = never_cancelled) -> Mapping[str, str]:  # noqa: ARG002
        return dict(self._ports.do(ReadRefs(tuple(refs))))

    def head_of(self, branch: str, check_cancelled: Any = never_cancelled) -> str | None:
        ref = branch_ref(branch)
        return self.read_refs([ref], check_cancelled).get(ref)

    def push(self, updates: Sequence[RefUpdate], *, check_cancelled: Any = never_cancelled) -> PushAnswer:  # noqa: ARG002
        moves = tuple(Update(update.ref, update.expected, update.new) for update in updates)
        answer: Said = self._ports.do(Push(moves))
        refs = {ref: RefAnswer(word) for ref, word in answer.refs}
        return PushAnswer(refs=refs, words="", heard=answer.heard, is_atomic=answer.is_atomic)

    def open(self, *_: Any) -> "ModelMirror":
        return self


def mirrors(mirror: ModelMirror) -> EnvironmentMirrors:
    """Return a store that opens this mirror for every environment."""
    return cast("EnvironmentMirrors", mirror)
