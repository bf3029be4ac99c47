import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars, clear_contextvars

from runtime.telemetry.logging import configure_logging, readable

SECRET = "hunter2"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def undone() -> Iterator[None]:
    """Leave this process's logging as it was found."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    clear_contextvars()
    stream = io.StringIO()
    configure_logging(stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fail(password: str = SECRET) -> None:
    raise ValueError(f"what was given has {len(password)} letters")


def refuse(url: str) -> None:
    raise RuntimeError(f"cannot reach {url}")


def test_a_line_is_json_with_the_bound_ids_and_the_time_in_utc(stream: io.StringIO) -> None:
    with bound_contextvars(run_id="r-1", workflow_id="w-1", request_id="q-1"):
        structlog.get_logger().info("run_settled", outcome="succeeded")
    (line,) = lines(stream)
    at = datetime.fromisoformat(line.pop("at"))
    assert at.utcoffset() == timedelta(0)
    assert line == {
        "event": "run_settled",
        "level": "info",
        "outcome": "succeeded",
        "run_id": "r-1",
        "workflow_id": "w-1",
        "request_id": "q-1",
    }


def test_libraries_are_heard_from_warning_on_in_the_same_form(stream: io.StringIO) -> None:
    with bound_contextvars(run_id="r-1"):
        logging.getLogger("temporalio.worker").info("polling")
        logging.getLogger("temporalio.worker").warning("task %s failed", 7)
    (line,) = lines(stream)
    assert datetime.fromisoformat(line.pop("at")).utcoffset() == timedelta(0)
    assert line == {
        "event": "task 7 failed",
        "level": "warning",
        "logger": "temporalio.worker",
        "run_id": "r-1",
    }


def test_a_warning_is_a_line_too(stream: io.StringIO) -> None:
    warnings.resetwarnings()
    warnings.warn("soon gone", DeprecationWarning, stacklevel=1)
    (line,) = lines(stream)
    assert (line["level"], line["logger"]) == ("warning", "py.warnings")
    assert "soon gone" in line["event"]


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("library", [False, True])
def test_a_traceback_is_whole_and_without_the_values_of_variables(terminal: bool, library: bool) -> None:  # noqa: FBT001
    stream = Terminal() if terminal else io.StringIO()
    configure_logging(stream)
    log = logging.getLogger("sqlalchemy") if library else structlog.get_logger()
    try:
        fail()
    except ValueError:
        log.exception("broken")
    written = stream.getvalue()
    assert "ValueError: what was given has 7 letters" in written
    assert "test_logging.py" in written
    assert "in fail" in written
    assert SECRET not in written
    if not terminal:
        (line,) = lines(stream)
        assert line["exception"].startswith('Traceback (most recent call last):\n  File "')


def test_credentials_are_taken_out_wherever_they_stand(stream: io.StringIO) -> None:
    url = f"https://ada:{SECRET}@git.example.org/x"
    try:
        refuse(url)
    except RuntimeError:
        structlog.get_logger().exception(f"token={SECRET}", url=url)
    logging.getLogger("git").error("cannot reach %s", url)
    assert SECRET not in stream.getvalue()
    assert [line["level"] for line in lines(stream)] == ["error", "error"]


def test_on_a_terminal_a_line_is_in_words() -> None:
    stream = Terminal()
    configure_logging(stream)
    structlog.get_logger().warning("temporal_unreachable", address="127.0.0.1:7233")
    assert not stream.getvalue().startswith("{")
    assert "temporal_unreachable" in stream.getvalue()


def test_configured_twice_a_line_comes_once() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure_logging(first)
    configure_logging(second)
    logging.getLogger("gunicorn.error").warning("once")
    assert first.getvalue() == ""
    assert [line["event"] for line in lines(second)] == ["once"]


def test_gunicorns_own_lines_come_the_same_way() -> None:
    code = (
        "from runtime.telemetry.logging import configure_logging; configure_logging()\n"
        "from runtime.web_server import WebServer, WebServerOptions\n"
        "from gunicorn.arbiter import Arbiter\n"
        "arbiter = Arbiter(WebServer(lambda: None, WebServerOptions(host='127.0.0.1', port=1)))\n"
        "arbiter.log.info('not this'); arbiter.log.warning('worker %s is late', 3)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    (line,) = map(json.loads, done.stderr.splitlines())
    assert (line["level"], line["logger"], line["event"]) == ("warning", "gunicorn.error", "worker 3 is late")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            '{"path": "/readyz", "event": "database_unavailable", "level": "warning", "at": "2026-01-01"}',
            "warning: database_unavailable path=/readyz",
        ),
        ('{"event": "broken", "level": "error", "exception": "Traceback ..."}', "error: broken"),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
        ("[1]", "[1]"),
    ],
)
def test_a_line_reads_in_words_where_people_look(line: str, shown: str) -> None:
    assert readable(line) == shown
