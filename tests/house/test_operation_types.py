"""What an operation type consists of, by files of one name: the test says what a new type still lacks."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from models.catalog import OperationCatalog, OperationType

ROOT = Path(__file__).parents[2]
REASON = re.compile(r"\bReasonCode\.([A-Z_]+)")

Check = Callable[[Path, str, str], bool]


def says(path: str, *texts: str) -> Check:
    """Return a check that a file says each of the texts; `{type}` and `{file}` stand for the type's own."""

    def check(root: Path, operation_type: str, file: str) -> bool:
        source = read(root / path.format(file=file))
        return all(text.format(type=operation_type, file=file) in source for text in texts)

    return check


def read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def words_every_reason(root: Path, _: str, file: str) -> bool:
    """Return whether each reason that the decision gives has its words, and it gives one."""
    given = set(REASON.findall(read(root / f"reconcilers/{file}_decision.py")))
    worded = {
        code for path in root.glob("services/runs/**/*wording*.py") for code in REASON.findall(read(path))
    }
    return bool(given) and given <= worded


def has_histories(root: Path, operation_type: str, _: str) -> bool:
    started = f'"workflowType":{{"name":"{operation_type}"}}'
    return any(started in read(path) for path in root.glob("tests/replay/histories/*/*.json"))


PARTS: dict[str, Check] = {
    "its entry in models/catalog.py": says("models/catalog.py", '= "{type}"', "workflows.{file}."),
    "its contract, models/contracts/{file}.py": says("models/contracts/{file}.py", "Input(Contract)"),
    "its input by type, in models/contracts/operation_input.py": says(
        "models/contracts/operation_input.py", "from models.contracts.{file} import "
    ),
    "its workflow, workflows/{file}.py": says("workflows/{file}.py", "@workflow.defn(", "@workflow.run"),
    "its activities, activities/{file}.py": says("activities/{file}.py", "@activity.defn"),
    "its workflow and activities in runtime/worker.py": says(
        "runtime/worker.py", "from workflows.{file} import ", "from activities.{file} import "
    ),
    "its adapter, reconcilers/{file}.py": says("reconcilers/{file}.py", "@REGISTRY.register"),
    "its decision, reconcilers/{file}_decision.py": says(
        "reconcilers/{file}_decision.py", "def decide(", "ReasonCode."
    ),
    "its decision's test, tests/reconcilers/test_{file}_decision.py": says(
        "tests/reconcilers/test_{file}_decision.py", "from reconcilers.{file}_decision import ", "@given("
    ),
    "words for every reason of its decision, in services/runs/wording.py": words_every_reason,
    "recorded histories, by `make histories`": has_histories,
    "its row in docs/reference.md": says("docs/reference.md", "| `{type}` |"),
}


def lacks(operation_type: str, file: str, root: Path = ROOT) -> list[str]:
    """Return what a type lacks in a tree, in the order in which one would add it."""
    return [part.format(file=file) for part, check in PARTS.items() if not check(root, operation_type, file)]


@pytest.mark.parametrize("operation_type", OperationType)
def test_a_type_lacks_nothing(operation_type: OperationType) -> None:
    file = OperationCatalog.get(operation_type).workflow_class.split(".")[1]
    missing = lacks(operation_type, file)
    assert not missing, f"{operation_type} lacks {'; '.join(missing)}."


# A made-up third type, by the files that each part of it would add to.
THIRD, FILE = "baseline.accept", "baseline_accept"
BUILT = {
    "models/catalog.py": f'BASELINE_ACCEPT = "{THIRD}"\nworkflow_class="workflows.{FILE}.BaselineAccept"',
    f"models/contracts/{FILE}.py": "class BaselineAcceptInput(Contract): ...",
    "models/contracts/operation_input.py": f"from models.contracts.{FILE} import BaselineAcceptInput",
    f"workflows/{FILE}.py": "@workflow.defn(name=X)\nclass BaselineAccept:\n    @workflow.run\n",
    f"activities/{FILE}.py": "    @activity.defn\n",
    "runtime/worker.py": f"from workflows.{FILE} import A\nfrom activities.{FILE} import B\n",
    f"reconcilers/{FILE}.py": "@REGISTRY.register\n",
    f"reconcilers/{FILE}_decision.py": "def decide(facts): return ReasonCode.BASELINE_ACCEPTED",
    f"tests/reconcilers/test_{FILE}_decision.py": f"from reconcilers.{FILE}_decision import X\n@given(x)\n",
    "services/runs/wording.py": "ReasonCode.BASELINE_ACCEPTED: _say()",
    "tests/replay/histories/1/accept.json": f'{{"workflowType":{{"name":"{THIRD}"}}}}',
    "docs/reference.md": f"| `{THIRD}` | {{}} | a baseline |",
}


def test_a_third_type_lacks_everything_at_first() -> None:
    assert lacks(THIRD, FILE) == [part.format(file=FILE) for part in PARTS]


def test_each_file_of_a_third_type_takes_one_part_off_the_list(tmp_path: Path) -> None:
    for number, (path, source) in enumerate(BUILT.items(), 1):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(source)
        assert lacks(THIRD, FILE, tmp_path) == [part.format(file=FILE) for part in PARTS][number:]


def test_a_reason_without_words_is_missed(tmp_path: Path) -> None:
    for path, source in BUILT.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(source)
    (tmp_path / "services/runs/wording.py").write_text("ReasonCode.REVIEW_COMPOSED: _say()")
    assert lacks(THIRD, FILE, tmp_path) == [
        "words for every reason of its decision, in services/runs/wording.py"
    ]
