import json
import logging
import sys
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor

from services.masking.keys import is_secret_key, names_the_secret
from services.masking.messages import HIDDEN, redact_lines

# Libraries log their progress at INFO; only their warnings and errors matter here.
OUR_LEVEL: Final = logging.INFO
LIBRARY_LEVEL: Final = logging.WARNING

_SET_BY_US: Final = "operationrun"


def configure_logging(stream: TextIO | None = None) -> None:
    """Send this process's log to `stream` (stderr): JSON lines, or words and colours on a terminal.

    Our lines (structlog, from INFO on) and those of libraries (the standard library's logging and warnings,
    from WARNING on) go through the same steps: the bound ids (`run_id`, `workflow_id`, `request_id`), the
    time in UTC, tracebacks without the values of variables, secrets masked. For composition roots;
    calling it again replaces what it set before.
    """
    stream = stream or sys.stderr
    renderer = _words() if stream.isatty() else _json()
    steps: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.ExceptionRenderer(),
        _redacted,
    ]
    structlog.configure(
        processors=[*steps, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(OUR_LEVEL),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    _hand_over(stream, steps, renderer)


def readable(line: str) -> str:
    """Return a JSON log line in words, without its traceback; any other line unchanged."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    if not isinstance(entry, dict) or not {"event", "level"} <= entry.keys():
        return line
    facts = [
        f"{key}={value}" for key, value in entry.items() if key not in {"at", "event", "exception", "level"}
    ]
    return " ".join([f"{entry['level']}: {entry['event']}", *facts])


def _hand_over(stream: TextIO, steps: list[Processor], renderer: Processor) -> None:
    """Send the standard library's loggers to the same stream through the same steps."""
    handler = logging.StreamHandler(stream)
    handler.name = _SET_BY_US
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *steps],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            keep_exc_info=False,
        )
    )
    root = logging.getLogger()
    for earlier in [handler for handler in root.handlers if handler.name == _SET_BY_US]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(LIBRARY_LEVEL)
    logging.captureWarnings(capture=True)


def _json() -> Processor:
    return structlog.processors.JSONRenderer(
        ensure_ascii=False, default=lambda value: redact_lines(str(value))
    )


def _words() -> Processor:
    return structlog.dev.ConsoleRenderer(
        timestamp_key="at", exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )


def _redacted(_: object, __: str, told: EventDict) -> EventDict:
    return {key: _without_secrets(value, str(key)) for key, value in told.items()}


def _without_secrets(value: Any, key: str = "") -> Any:
    if isinstance(value, str):
        return HIDDEN if is_secret_key(key) else redact_lines(value)
    if isinstance(value, dict):
        return {name: _without_secrets(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(inner, key) for inner in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return HIDDEN if is_number and names_the_secret(key) else value
