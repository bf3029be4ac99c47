"""What only the real web server shows: its processes together, and what never reaches the application."""

import json
import socket
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.system import System, wait_for


def raw(system: System, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes to the web server and return status, headers and body of what it says."""
    address = urlsplit(system.ready["web_url"])
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(request)
        said = b""
        while b"\r\n\r\n" not in said or len(said.split(b"\r\n\r\n", 1)[1]) < _length(said):
            piece = connection.recv(65536)
            if not piece:
                break
            said += piece
    head, _, body = said.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split()[1]), headers, body


def _length(said: bytes) -> int:
    for line in said.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


@pytest.mark.parametrize(
    ("request_head", "status", "code"),
    [
        (b"GET /api/v1/operations?q=" + b"x" * 5_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "uri_too_long"),
        (b"GET /api/v1/operations?q=" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "uri_too_long"),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431, "headers_too_large"),
        (b"GET /healthz HTTP/1.1\r\nBad Name: x\r\n\r\n", 400, "bad_request"),
    ],
)
def test_it_answers_what_cannot_be_read_with_a_problem(
    system: System, request_head: bytes, status: int, code: str
) -> None:
    found, headers, body = raw(system, request_head)
    problem = json.loads(body)
    assert (found, problem["status"], problem["code"]) == (status, status, code)
    assert headers["content-type"] == "application/problem+json"


def answered(system: System, route: str) -> float:
    text = httpx.get(f"{system.ready['web_url']}/metrics").text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.endswith("_request_duration_seconds_count") and sample.labels["route"] == route
    )


def test_every_process_of_the_server_tells_the_same_sums(system: System) -> None:
    before = answered(system, "/healthz")
    for _ in range(40):
        # Without a kept connection, so that every process gets its share.
        assert httpx.get(f"{system.ready['web_url']}/healthz").status_code == 200
    # Answered is counted before the next request is taken, in whichever process that is.
    assert {answered(system, "/healthz") - before for _ in range(10)} == {40}


def test_a_local_system_holds_nobody_up(system: System) -> None:
    policy = system.client.get("/workspaces").headers["RateLimit-Policy"]
    assert policy == '"requests";q=60000;w=6'


def test_a_run_is_waited_for_until_it_ends(system: System) -> None:
    repository = system.repository({"policy.json": "{}"})
    environment = system.environment(repository.url)
    run = system.compose(environment)
    ended = system.get(f"/operations/{run['id']}", wait="30")
    assert (ended["status"], ended["outcome"]) == ("completed", "succeeded")


def test_many_who_wait_leave_room_for_others(idle_system: System) -> None:
    system = idle_system
    repository = system.repository({"policy.json": "{}"})
    run = system.compose(system.environment(repository.url))
    headers = {"Authorization": f"Bearer {system.ready['api_token']}"}
    address = urlsplit(system.ready["web_url"])
    request = (
        f"GET /api/v1/operations/{run['id']}?wait=30 HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {headers['Authorization']}\r\n\r\n"
    ).encode()
    waiting = [socket.create_connection((address.hostname, address.port)) for _ in range(40)]
    try:
        for connection in waiting:
            connection.sendall(request)
        answer = wait_for(
            lambda: httpx.get(f"{system.ready['web_url']}/api/v1/workspaces", headers=headers),
            what="an answer beside those who wait",
        )
        assert answer.status_code == 200
    finally:
        for connection in waiting:
            connection.close()
