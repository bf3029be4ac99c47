"""Explore every world to its end, then find a history that shows each broken rule.

Usage: make prove (ARGS="'two attempts'" for some of the worlds)
"""

import sys
from collections.abc import Collection, Sequence

import structlog

from tests.proof.mutants import MUTANTS, find
from tests.proof.reasons import missed, reached
from tests.proof.world import World
from tests.proof.worlds import WHOLE, search


def main(names: Collection[str]) -> int:
    """Return 1 where a law is broken, a reason code is not reached, or a mutant survives."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    chosen = {name: world for name, world in WHOLE.items() if not names or name in names}
    proven = [_explore(name, world()) for name, world in chosen.items()]
    killed = [_try_mutant(law, name) for law, name in MUTANTS]
    return int(not chosen or not all(proven) or not all(killed))


def _explore(name: str, world: World) -> bool:
    found = search(world)
    _say(f"{len(found.states):>9,} states {found.transitions:>10,} steps {found.seconds:>7.1f} s  {name}")
    codes = reached(found)
    _say(f"{'':>9} {', '.join(sorted(codes))}")
    if found.violation is not None:
        _say(f"BROKEN  {found.violation}")
        _tell(found.history)
    if lacking := missed(name, codes):
        _say(f"NOT REACHED  {', '.join(lacking)}")
    return found.violation is None and not lacking


def _try_mutant(law: str, name: str) -> bool:
    found = find(law, name)
    killed = found.violation is not None and found.violation.law == law
    word = f"killed in {len(found.history)} steps" if killed else f"SURVIVED ({found.violation})"
    _say(f"{law:>4}  {word}, {found.seconds:.1f} s: {name}")
    return killed


def _tell(history: Sequence[str]) -> None:
    for number, step in enumerate(history, start=1):
        _say(f"{number:>8}. {step}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
