"""The programs of docs/examples, as they stand there, against a real system."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.left_out import leave_out
from tests.slow_remotes import silence, speak
from tests.system import Json, System

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = DOCS / "examples"
PAGE = DOCS / "services.md"
COMPOSE, RESTORE = "environment.review.compose", "restore.execute"

# A first build of Temporal's Go SDK takes minutes on a busy machine.
pytestmark = pytest.mark.timeout(1500)


@dataclass(frozen=True, kw_only=True)
class Program:
    """One of the examples, run as its usage says and told of nothing but the system."""

    argv: tuple[str, ...]
    system: System

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        ready = self.system.ready
        told = {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
            "HOME": str(Path.home()),
            "WEB_URL": ready["web_url"],
            "API_TOKEN": ready["api_token"],
            "TEMPORAL_ADDRESS": ready["temporal_address"],
            "OPERATIONRUN_DATABASE_URL": ready["database_url"],
            "OPERATIONRUN_TEMPORAL_ADDRESS": ready["temporal_address"],
        }
        return subprocess.run(
            [*self.argv, *arguments], env=told, capture_output=True, text=True, timeout=120, check=False
        )


@pytest.fixture
def curl(system: System) -> Program:
    if shutil.which("curl") is None:
        leave_out("the example with curl", without="There is no curl on the PATH.")
    return Program(argv=(str(EXAMPLES / "start_with_curl.sh"),), system=system)


@pytest.fixture
def over_http(system: System) -> Program:
    return Program(argv=(sys.executable, str(EXAMPLES / "start_over_http.py")), system=system)


@pytest.fixture
def command_line(system: System) -> Program:
    return Program(argv=(str(EXAMPLES / "start_and_wait.sh"),), system=system)


@pytest.fixture(scope="session")
def built_with_go(server_folder: Path) -> Path:
    """The Go example, built with the modules that its go.sum pins."""
    program = server_folder / "start-with-go"
    argv = ["go", "build", "-mod=readonly", "-o", str(program), "."]
    subprocess.run(argv, cwd=EXAMPLES / "go", check=True)
    return program


@pytest.fixture(params=["python", "go"])
def with_sdk(request: pytest.FixtureRequest, system: System) -> Program:
    """The same program with two SDKs."""
    if request.param == "python":
        return Program(argv=(sys.executable, str(EXAMPLES / "start_with_sdk.py")), system=system)
    if shutil.which("go") is None:
        leave_out("the example in Go", without="There is no go on the PATH.", in_ci_too=True)
    return Program(argv=(str(request.getfixturevalue("built_with_go")),), system=system)


@pytest.fixture
def environment(system: System) -> Json:
    repository = system.repository({"a.json": "1"})
    repository.tag("release-1")
    repository.commit({"a.json": "2"})
    return system.environment(repository.url)


def run_of(system: System, environment: Json) -> Json:
    """Return the one run of an environment."""
    (run,) = system.get("/operations", environment=environment["id"])["items"]
    found: Json = run
    return found


def test_curl_starts_a_review_and_waits_for_it(system: System, environment: Json, curl: Program) -> None:
    done = curl(environment["id"], "monday")
    run = run_of(system, environment)
    assert (done.returncode, done.stdout) == (0, f"{run['id']} succeeded\n"), done.stderr
    assert curl(environment["id"], "monday").stdout == done.stdout
    assert run_of(system, environment)["id"] == run["id"]


def test_curl_says_what_was_refused(environment: Json, curl: Program) -> None:
    done = curl(environment["workspace_id"], "tuesday")
    assert done.returncode == 2
    assert "not_found" in done.stderr


def test_python_starts_either_operation_over_http(
    system: System, environment: Json, over_http: Program
) -> None:
    plan = system.plan(environment, "release-1")
    restored = over_http(RESTORE, environment["id"], json.dumps({"restore_plan_id": plan["id"]}), "restore")
    assert restored.returncode == 0, restored.stderr
    assert restored.stdout.startswith("succeeded restore_applied http")
    composed = over_http(COMPOSE, environment["id"], "{}", "review")
    assert composed.returncode == 0, composed.stderr
    assert composed.stdout.startswith("succeeded review_composed http")
    assert "\nenvironment_review " in composed.stdout


def test_python_tells_over_http_what_failed_and_what_was_refused(
    environment: Json, over_http: Program
) -> None:
    failed = over_http(COMPOSE, environment["id"], '{"ref": "no-such-ref"}', "wednesday")
    assert failed.returncode == 1, failed.stderr
    assert failed.stdout.startswith("failed ref_not_found http")
    refused = over_http(COMPOSE, environment["id"], '{"ref": "release-1"}', "wednesday")
    assert refused.returncode == 2
    assert refused.stderr.startswith("idempotency_key_reused ")


def test_an_sdk_starts_a_review_and_reads_its_outcome(
    system: System, environment: Json, with_sdk: Program
) -> None:
    done = with_sdk(environment["workspace_id"], environment["id"], "release-1")
    assert done.returncode == 0, done.stderr
    run = run_of(system, environment)
    assert json.loads(done.stdout) == {
        "run_id": run["id"],
        "outcome": "succeeded",
        "related_type": "environment_review",
        "related_id": run["links"]["related"]["id"],
    }
    assert run["context"]["input"] == {"ref": "release-1"}


def test_an_sdk_reads_the_outcome_of_a_workflow_that_failed(
    system: System, environment: Json, with_sdk: Program
) -> None:
    done = with_sdk(environment["workspace_id"], environment["id"], "no-such-ref")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert (told["run_id"], told["outcome"]) == (run_of(system, environment)["id"], "failed")
    assert "no-such-ref" in done.stderr


def test_an_sdk_is_led_to_the_run_that_does_the_work_already(system: System, with_sdk: Program) -> None:
    repository = system.repository({"a.json": "1"})
    environment = system.environment(repository.url)
    silence(repository)
    active = system.running(system.compose(environment))

    done = with_sdk(environment["workspace_id"], environment["id"])

    told = json.loads(done.stdout)
    assert (done.returncode, told["outcome"]) == (1, "blocked")
    assert (told["related_type"], told["related_id"]) == ("operation_run", active["id"])
    speak(repository)
    assert system.settled(active)["outcome"] == "succeeded"


def test_an_sdk_with_the_wrong_scope_leaves_no_run(
    system: System, environment: Json, with_sdk: Program
) -> None:
    done = with_sdk(environment["id"], environment["id"])
    assert done.returncode == 1
    assert "run_refused" in done.stderr
    assert not json.loads(done.stdout)["outcome"]
    assert system.get("/operations", environment=environment["id"])["items"] == []


def test_the_command_line_waits_and_ends_by_the_outcome(
    system: System, environment: Json, command_line: Program
) -> None:
    done = command_line(environment["slug"], "thursday")
    assert done.returncode == 0, done.stderr
    assert run_of(system, environment)["id"] in done.stdout
    assert done.stderr.endswith("The review is ready.\n")


def test_the_command_line_tells_apart_what_failed_from_what_was_not_started(
    system: System, command_line: Program
) -> None:
    astray = system.environment(system.repository({"a.json": "1"}).url, branch="no-such-branch")
    failed = command_line(astray["slug"], "friday")
    assert (failed.returncode, run_of(system, astray)["outcome"]) == (13, "failed")
    nowhere = command_line("no-such-environment", "friday")
    assert nowhere.returncode == 2
    assert nowhere.stderr.endswith("It was not started, or the waiting was interrupted.\n")


def test_every_block_of_code_on_the_page_stands_in_an_example() -> None:
    page = PAGE.read_text()
    blocks = re.findall(r"^```(?:sh|python|go)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    code = [file.read_text() for file in sorted(EXAMPLES.rglob("*")) if file.suffix in {".sh", ".py", ".go"}]
    assert len(blocks) == len(code) == 5
    assert [block for block in blocks if not any(block in each for each in code)] == []


def test_the_page_links_to_every_example_and_to_nothing_that_is_not_there() -> None:
    links = {link.partition("#")[0] for link in re.findall(r"\]\((?!https?:)([^)]*)\)", PAGE.read_text())}
    linked = {PAGE.parent / link for link in links if link}
    assert [path for path in linked if not path.exists()] == []
    assert {file for file in EXAMPLES.rglob("*") if file.suffix in {".sh", ".py", ".go"}} <= linked
