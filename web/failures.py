from http import HTTPStatus

import structlog
from flask import request

from web.problems import Problem

_log = structlog.get_logger()


def log_failure(problem: Problem, error: Exception) -> None:
    """Tell the log of a request that failed on our side.

    Something that is out of reach was foreseen and is one line; everything else comes with its traceback.
    """
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        _log.warning(problem.code, path=request.path)
    elif problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("request_failed", path=request.path, exc_info=error)
