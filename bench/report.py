"""Results of benchmarks, under bench/results/: JSON for programs and a Markdown table for people."""

import json
import os
import platform
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import temporalio.service

RESULTS = Path(__file__).parent / "results"
_KEPT = {True: "yes", False: "no", None: "-"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure: ours against a floor or a peer in the same run.

    `ratio` is ours divided by the floor: lower is better for times, higher for rates. `promise` is the bound;
    `kept` is None without one.
    """

    what: str
    ours: str
    floor: str
    ratio: float
    promise: str
    kept: bool | None


def at_most(promise: float, what: str, *, ours: float, floor: float, wording: Callable[[float], str]) -> Row:
    """Compare two figures where less is better; `wording` formats each."""
    ratio = ours / floor
    return Row(
        what=what,
        ours=wording(ours),
        floor=wording(floor),
        ratio=ratio,
        promise=f"at most {promise}x",
        kept=ratio <= promise,
    )


def at_least(promise: float, what: str, *, ours: float, floor: float, wording: Callable[[float], str]) -> Row:
    """Compare two figures where more is better; `wording` formats each."""
    row = at_most(promise, what, ours=ours, floor=floor, wording=wording)
    return replace(row, promise=f"at least {promise}x", kept=row.ratio >= promise)


def milliseconds(seconds: float) -> str:
    """Format a time in seconds."""
    return f"{seconds * 1000:.0f} ms"


def write(name: str, rows: Sequence[Row], *, notes: Sequence[str] = ()) -> None:
    """Write the rows of one benchmark and print them."""
    RESULTS.mkdir(exist_ok=True)
    machine = describe_machine()
    facts = {"machine": machine, "rows": [asdict(row) for row in rows], "notes": [*notes]}
    (RESULTS / f"{name}.json").write_text(json.dumps(facts, indent=2) + "\n")
    page = "\n".join([f"# {name}", "", *_table(rows), "", *(f"- {note}" for note in notes), "", machine, ""])
    (RESULTS / f"{name}.md").write_text(page)
    print(page)


def describe_machine() -> str:
    """Return the machine, the versions and the load of a measurement, in one line."""
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    return (
        f"{_processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, "
        f"temporalio {temporalio.service.__version__}, {git}; load over 1, 5 and 15 minutes: {load}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _table(rows: Sequence[Row]) -> list[str]:
    head = ["| what | ours | floor | ratio | promised | kept |", "|---|---:|---:|---:|---:|---|"]
    return head + [
        f"| {row.what} | {row.ours} | {row.floor} | {row.ratio:.2f}x | {row.promise} | {_KEPT[row.kept]} |"
        for row in rows
    ]
