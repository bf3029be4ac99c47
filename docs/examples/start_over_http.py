"""Start an operation over HTTP, wait until it is completed, and act on its outcome.

Usage: start_over_http.py TYPE ENVIRONMENT_ID INPUT IDEMPOTENCY_KEY
Environment: WEB_URL, API_TOKEN.

    start_over_http.py environment.review.compose 01a2… '{"ref": "release-1"}' nightly-2026-11-23

Exit code 0 for succeeded, 1 for any other outcome, 2 for a request that was refused.
"""

import json
import os
import sys
import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

API = os.environ["WEB_URL"] + "/api/v1"
TOKEN = os.environ["API_TOKEN"]


def call(path: str, body: object = None, **headers: str) -> tuple[Any, Any]:
    """Return the answer's JSON and its headers; with a body it is a POST."""
    data = None if body is None else json.dumps(body).encode()
    fixed = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    with urlopen(Request(API + path, data, fixed | headers), timeout=60) as answer:
        return json.load(answer), answer.headers


def start(operation_type: str, environment_id: str, operation_input: object, key: str) -> Any:
    """Return the run. Safe to repeat with the same key, also where no answer came: it is the same run."""
    body = {"type": operation_type, "environment_id": environment_id, "input": operation_input}
    return call("/operations", body, **{"Idempotency-Key": key})[0]


def completed(run_id: str) -> Any:
    """Return the run once it is completed; each request waits up to 20 seconds for that."""
    while True:
        run, headers = call(f"/operations/{run_id}?wait=20")
        if run["status"] == "completed":
            return run
        # There only where too many wait already.
        time.sleep(int(headers.get("Retry-After", 0)))


def main() -> int:
    operation_type, environment_id, operation_input, key = sys.argv[1:]
    try:
        started = start(operation_type, environment_id, json.loads(operation_input), key)
        run = completed(started["id"])
    except HTTPError as error:
        problem = json.load(error)
        print(problem["code"], problem["detail"], file=sys.stderr)
        return 2
    # Written for operators: show them these, with the link, and decide by outcome and code alone.
    print(run["outcome"], run["message"]["code"], run["links"]["html"])
    print(run["message"]["title"], run["message"]["next"])
    if run["links"]["related"]:
        print(run["links"]["related"]["type"], run["links"]["related"]["id"])
    return 0 if run["outcome"] == "succeeded" else 1


if __name__ == "__main__":
    sys.exit(main())
