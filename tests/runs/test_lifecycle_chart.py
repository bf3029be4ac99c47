"""The state chart in docs/lifecycle.md is the transition table."""

import re
from pathlib import Path

from models.lifecycle import (
    BIRTHS,
    CORRECTIONS,
    FINAL_OUTCOMES,
    MOVES,
    QUEUED,
    RUNNING,
    Outcome,
    Standing,
    completed,
)

CHART = (Path(__file__).parents[2] / "docs" / "lifecycle.md").read_text()
EDGE = re.compile(r"^\s*(\[\*\]|\w+) --> (\w+)(?: : (.*))?$", re.MULTILINE)


def name(standing: Standing) -> str:
    return {QUEUED: "queued", RUNNING: "running"}.get(standing, "completed")


def test_the_chart_shows_the_moves_of_the_table_and_no_other() -> None:
    drawn = {(before, after) for before, after, _ in EDGE.findall(CHART)}
    births = {("[*]", name(standing)) for standing in BIRTHS}
    moves = {(name(before), name(after)) for before, after in MOVES | CORRECTIONS}
    assert drawn == births | moves


def test_every_edge_is_explained_in_a_sentence() -> None:
    letters = [label.split(".")[0] for _, _, label in EDGE.findall(CHART)]
    for letter in letters:
        assert re.search(rf"^- \*\*{letter}\*\* .+\.$", CHART, re.MULTILINE), letter


def test_every_outcome_is_named() -> None:
    assert all(f"`{outcome}`" in CHART for outcome in FINAL_OUTCOMES)


def test_no_correction_leaves_success() -> None:
    assert not any(before == completed(Outcome.SUCCEEDED) for before, _ in CORRECTIONS)
