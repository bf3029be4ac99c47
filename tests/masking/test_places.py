"""Every kind of secret that the one list knows, in every place where a program's words are kept or shown."""

import io
import json
import logging
import os
from collections.abc import Iterator
from datetime import timedelta

import pytest
import structlog

from models.access import Role
from models.contracts import Failure
from models.operation_run import OperationRun
from runtime.telemetry.logging import configure_logging
from services.access.tokens import create_token
from services.masking.messages import redact
from services.masking.text import mask_text
from services.repositories.git import run_git
from services.runs.service import OperationRunService
from tests.masking.kinds.planted import AROUND, BODIES, LINES, tokens
from tests.world import World

BODY = BODIES[0]
EXAMPLES = {name: pair[0] for name, pair in tokens().items()}
KINDS = [pytest.param(token, id=name) for name, token in EXAMPLES.items()]
# What shows a secret by the name beside it, or by where it stands.
NAMED = [
    f"Bearer {BODY}",
    f"password={BODY}",
    f"DB_PASSWORD: '{BODY} {BODY}'",
    f'{{"clientSecret": "{BODY}", "size": 3}}',
    f"apiKey: {BODY}",
    f"passphrase={BODY}",
    f"AccountKey={BODY};",
    f"devicePin: {BODY}",
    f"--token {BODY}",
    f"<password>{BODY}</password>",
    f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----",
]
# What is known as a whole line alone, which a sentence is not.
_WHOLE_LINES = {"pgpass", "chap", "expect", "htpasswd tool", "vault login", "net-snmp, trap"}
BESIDE = AROUND | {
    name: text for name, text in LINES.items() if "\n" not in text and name not in _WHOLE_LINES
}
# A message has no structure: what a name, a form or a command around it says is all there is.
SAID = [
    *KINDS,
    *(pytest.param(text, id=text[:10]) for text in NAMED),
    *(pytest.param(text.format(BODY), id=name) for name, text in BESIDE.items()),
]


def planted(said: str) -> str:
    """Return the part of an example that must not be seen."""
    return BODY if BODY in said else said


def fail(said: str) -> None:
    raise RuntimeError(said)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Log to a stream, and leave this process's logging as it was found."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure_logging(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.mark.parametrize("said", SAID)
def test_no_secret_is_in_a_line_of_the_log(log: io.StringIO, said: str) -> None:
    structlog.get_logger().warning(f"refused: {said}", reason=said, nested={"list": [said]})
    logging.getLogger("library").warning("refused: %s", said)
    try:
        fail(said)
    except RuntimeError:
        structlog.get_logger().exception("broken")
    assert len(log.getvalue().splitlines()) == 3
    assert planted(said) not in log.getvalue()


@pytest.mark.parametrize("key", ["password", "api_token", "clientSecret"])
def test_what_is_logged_under_the_name_of_a_secret_is_masked(log: io.StringIO, key: str) -> None:
    structlog.get_logger().info("opened", **{key: "hunter2", "of": {key: "hunter2"}, f"{key}_length": 7})
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert (line[key], line["of"], line[f"{key}_length"]) == ("***", {key: "***"}, 7)


@pytest.mark.parametrize("said", SAID)
def test_no_secret_is_in_what_git_says(said: str) -> None:
    result = run_git(
        ["-c", 'alias.run=!printf "%s" "$SAID" >&2; exit 1; :', "run"],
        environment={"PATH": os.environ["PATH"], "HOME": "/nowhere", "SAID": f"remote: {said}"},
        timeout=timedelta(seconds=20),
        max_output=1000,
    )
    assert result.stderr.startswith("remote: ")
    assert planted(said) not in result.stderr


@pytest.mark.parametrize("said", SAID)
def test_no_secret_is_in_a_text_of_the_configuration(said: str) -> None:
    assert planted(said) not in mask_text(f"see {said} there")


def test_no_secret_is_in_the_detail_of_a_failure(world: World) -> None:
    run = world.running()
    for said in SAID:
        world.fail(run, "unexpected_error", f"ValueError: {said.values[0]}")
    with world.database.transaction() as session:
        kept = json.dumps(session.get_one(OperationRun, run.id).failures)
    assert kept.count("ValueError: ") == len({said.values[0] for said in SAID})
    assert [said.id for said in SAID if planted(str(said.values[0])) in kept] == []


def test_no_secret_is_in_the_detail_of_a_dispatch_that_failed(world: World) -> None:
    run = world.queued()
    token = EXAMPLES["operationrun"]
    failure = Failure(code="dispatch_failed", step="start", attempts=1, at=world.clock(), detail=token)
    with world.database.transaction() as session:
        failed = OperationRunService(session, clock=world.clock).fail_dispatch(run.id, failure)
    assert failed is not None
    assert [kept["detail"] for kept in failed.failures] == ["***"]


def test_a_secret_in_the_line_after_its_name_is_masked() -> None:
    assert (
        redact("remote: your password:\n\n  hunter2 was leaked")
        == "remote: your password:\n\n  *** was leaked"
    )


def test_our_own_tokens_are_on_the_list(world: World) -> None:
    with world.database.transaction() as session:
        token = create_token(session, workspace_id=world.workspace.id, role=Role.READER, name="ci")
    assert redact(f"refused {token}") == "refused ***"


@pytest.mark.parametrize(
    "said",
    [
        "fatal: repository 'https://git.example.org/team/settings.git/' not found",
        "remote: Support for password authentication was removed. Use a personal access token instead.",
        "fatal: could not read Password for the remote: terminal prompts disabled",
        'FATAL: password authentication failed for user "app"',
        "passwordMinimumLength: 8",
        "maxTokens=4096",
        "mapping: values are not allowed here",
        "compass: north",
        "disk-usage-of-the-last-twenty-four-hours is high",
        "token opr_a1b2c3… was revoked",
        "3f786850e387550fdab836ed7e6dc881de23001b refs/heads/main",
        "workflow environment.review.compose:01890000-0000-7000-8000-000000000000 is closed",
    ],
)
def test_what_helps_is_kept(said: str) -> None:
    assert redact(said) == said
