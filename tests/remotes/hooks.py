"""Hooks of a remote that hold a push, refuse it, or end its server at a named stage."""

import os
import signal
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from shlex import quote
from uuid import uuid4

from tests.repositories.waiting import is_alive, wait_until


class Stage(StrEnum):
    """Where a server runs a hook during a push; `LOCKED` is the moment between its locks and its renames."""

    PRE_RECEIVE = "pre-receive"
    UPDATE = "update"
    LOCKED = "reference-transaction"


_HEADS = {
    Stage.PRE_RECEIVE: "refs=$(cut -d' ' -f3)",
    Stage.UPDATE: "refs=$1",
    Stage.LOCKED: "[ \"$1\" = prepared ] || exit 0\nrefs=$(cut -d' ' -f3)",
}
_TOUCHES = """touches() {
    for ref in $refs; do case $ref in $1) return 0 ;; esac; done
    return 1
}"""


class Hold:
    """Pushes that wait at one stage until they are released; a file for each says which server waits."""

    def __init__(self, folder: Path, stage: Stage, touching: str) -> None:
        folder.mkdir(parents=True)
        self._folder, self._gate, self._closed = folder, folder / "gate", folder / "closed"
        mark, gate, closed = quote(str(folder)) + "/$$", quote(str(self._gate)), quote(str(self._closed))
        self.stage = stage
        self.script = (
            f"if touches {quote(touching)} && [ ! -e {closed} ]; then\n"
            f"    echo $PPID > {mark}.new; mv {mark}.new {mark}.held\n"
            f"    while [ ! -e {gate} ]; do sleep 0.02; done\n"
            "fi"
        )

    def wait(self, pushes: int = 1) -> None:
        """Return once so many pushes have reached the hold."""
        wait_until(lambda: len(self.held()) >= pushes, seconds=30)

    @property
    def is_reached(self) -> bool:
        return bool(self.held())

    def take_no_more(self) -> None:
        """Let pass what comes from now on; what waits goes on waiting."""
        self._closed.touch()

    def release(self) -> None:
        """Let go what waits and what comes later; return once the servers of what waited have ended."""
        self.take_no_more()
        self._gate.touch()
        wait_until(lambda: not any(map(is_alive, self.held().values())), seconds=30)

    def kill(self) -> None:
        """Kill the servers that wait here, with their hooks."""
        for hook, server in self.held().items():
            # The server first: where its hook fails, it takes its locks back.
            for pid in (server, hook):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.release()

    def held(self) -> dict[int, int]:
        """Return the server's process for each hook's."""
        return {int(mark.stem): int(mark.read_text()) for mark in self._folder.glob("*.held")}


class Hooks:
    """The hooks of one bare repository: each runs all scripts that were added to its stage."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._scripts: dict[Stage, list[str]] = {}
        self._holds: list[Hold] = []

    def hold(self, stage: Stage, touching: str) -> Hold:
        """Hold every push that updates a ref of this pattern."""
        hold = Hold(self._aside("hold"), stage, touching)
        self._holds.append(hold)
        self._add(stage, hold.script)
        return hold

    def refuse(self, touching: str) -> None:
        """Refuse every ref of this pattern, by itself, as `update` hooks do."""
        self._add(Stage.UPDATE, f"if touches {quote(touching)}; then echo 'not here' >&2; exit 1; fi")

    def say(self, words: str, *, touching: str) -> None:
        """Tell the client something before the push is judged."""
        self._add(Stage.PRE_RECEIVE, f"if touches {quote(touching)}; then echo {quote(words)} >&2; fi")

    def die_between(self, landed: str, other: str) -> None:
        """Kill the server of the next push of both refs, once it has renamed the first and not the other.

        With both locks taken, each lock file holds the ref's new value: the server's next act would be this
        same rename.
        """
        once = self._aside("die")
        once.touch()
        ref, armed = quote(str(self._repository / landed)), quote(str(once))
        self._add(
            Stage.LOCKED,
            f"if touches {quote(landed)} && touches {quote(other)} && rm {armed} 2>/dev/null; then\n"
            f"    mv {ref}.lock {ref}; kill -9 $PPID\n"
            "fi",
        )

    def clear(self) -> None:
        """Release what is held, and take every script away."""
        for hold in self._holds:
            hold.release()
        self._holds.clear()
        for stage in self._scripts:
            (self._repository / "hooks" / stage).unlink()
        self._scripts.clear()

    def _aside(self, what: str) -> Path:
        return self._repository.with_name(f"{self._repository.stem}.{what}-{uuid4().hex}")

    def _add(self, stage: Stage, script: str) -> None:
        scripts = self._scripts.setdefault(stage, [])
        scripts.append(script)
        hook = self._repository / "hooks" / stage
        hook.parent.mkdir(exist_ok=True)
        # A shell reads on in the file that it runs: a changed hook is another file.
        new = hook.with_suffix(".new")
        new.write_text("\n".join(["#!/bin/sh", _HEADS[stage], _TOUCHES, *scripts, ""]))
        new.chmod(0o755)
        new.replace(hook)
