"""`make mutants` tries what it names: each text stands in its file once, and each test is there."""

from pathlib import Path

import pytest

from tools.broken_rules import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_can_be_tried(mutant: Mutant) -> None:
    path, _, name = mutant.test.partition("::")
    assert mutant.text != mutant.mutation
    assert mutant.stands_in(ROOT), (
        f"{mutant.file} says it in other words now: bring the mutant in tools/broken_rules.py after it."
    )
    assert f"def {name}(" in (ROOT / path).read_text(), (
        f"{path} has no {name}: name the test that holds the rule now."
    )


def test_a_text_that_is_gone_or_stands_twice_is_seen(tmp_path: Path) -> None:
    mutant = Mutant(name="x", file="a.py", text="a", mutation="b", test="t")
    assert not mutant.stands_in(tmp_path)
    for source, stands in (("a", True), ("aa", False), ("", False)):
        (tmp_path / "a.py").write_text(source)
        assert mutant.stands_in(tmp_path) is stands
