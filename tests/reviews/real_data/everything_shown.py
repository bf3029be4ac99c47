"""Everything that a system shows, keeps or logs, gathered to be searched."""

import io
import json
import re
import subprocess
import zipfile
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import psycopg
from psycopg import sql

from runtime.local.own_program import own_argv, own_environment
from tests.reports.pdf_reading import streams, text_of
from tests.reviews.real_data.conftest import FORMS, PROFILES
from tests.system import Json, System
from tests.temporal_cli import TemporalCli

Shown = Iterator[tuple[str, bytes]]

_LINK = re.compile(r"(?:href|action|src|data-[\w-]+)=\"([/?][^\"#]*)")
_PLACES = ("/operations/", "/environments/", "/reviews/", "/published/", "/restore-plans/")
_HEAVY = (".pdf", ".zip")
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


def reports_and_packs(system: System, review_id: str) -> Shown:
    """Give every report of a review, in every form, and every file of its packs."""
    for what in [f"report/{profile}.{form}" for profile in PROFILES for form in FORMS]:
        yield from _file(f"/reviews/{review_id}/{what}", _got(system, f"/reviews/{review_id}/{what}"))
    for what in ("pack.zip", *(f"pack.zip?profile={profile}" for profile in PROFILES)):
        pack = _got(system, f"/reviews/{review_id}/{what}")
        with zipfile.ZipFile(io.BytesIO(pack)) as archive:
            for name in archive.namelist():
                yield from _file(f"{what}: {name}", archive.read(name))


def api_answers(system: System, paths: list[str]) -> Shown:
    """Give what the API answers, every page of it, with its headers."""
    for path in paths:
        after: str | None = ""
        while after is not None:
            answer = system.client.get(path, params={"after": after} if after else {})
            assert answer.status_code == 200, f"{path}: {answer.text}"
            yield path, answer.content + json.dumps(dict(answer.headers)).encode()
            told = answer.json()
            after = told.get("next") if isinstance(told, dict) else None


def pages(system: System, ids: Collection[str], *others: str) -> Shown:
    """Sign in as an owner, and give the lists, the other pages, and all that is about one of the ids.

    PDFs and packs are left to reports_and_packs: the same function writes them for pages and API.
    """
    with httpx.Client(base_url=system.ready["web_url"], timeout=60) as browser:
        link = urlsplit(_sign_in_link(system)).path
        token = _CSRF.search(browser.get(link).text)
        assert token is not None
        assert browser.post(link, data={"csrf_token": token[1]}).status_code == 303
        waiting = [
            "/operations",
            "/environments",
            *others,
            *(f"{place}{each}" for place in _PLACES for each in ids),
        ]
        seen = set[str]()
        while waiting:
            path = waiting.pop()
            seen.add(path)
            answer = browser.get(path)
            # An id names a page at one place alone, and some links lead to what can only be posted to.
            assert answer.status_code < 500, f"{path}: {answer.text}"
            yield from _file(path, answer.content)
            if answer.headers["Content-Type"].startswith("text/html"):
                found = {urljoin(path, each) for each in _LINK.findall(answer.text.replace("&amp;", "&"))}
                fresh = found - seen - {*waiting}
                waiting += [each for each in fresh if _is_about(each, ids) and not each.endswith(_HEAVY)]
        assert len(seen) > 50


def rows(system: System) -> Shown:
    """Give every row of every table, as JSON and as PostgreSQL copies it."""
    with psycopg.connect(system.ready["database_url"]) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert len(tables) > 10
        for schema, table in tables:
            name = sql.Identifier(schema, table)
            for (row,) in connection.execute(sql.SQL("SELECT to_jsonb(t)::text FROM {} t").format(name)):
                yield f"table {table}", row.encode()
            with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(name)) as copied:
                yield f"table {table}, copied", b"".join(bytes(piece) for piece in copied)


def kept_files(system: System) -> Shown:
    """Give every log and every file of the data directory, but PostgreSQL's own and git's objects."""
    folder = system.ready_file.parent
    logs = [*(folder / "data" / "logs").iterdir()]
    assert {"web.log", "worker.log"} <= {log.name for log in logs}
    for path in [folder / "up.log", *(each for each in (folder / "data").rglob("*") if each.is_file())]:
        if not _is_git_or_postgres(path.relative_to(folder)):
            # Temporal's journal comes and goes with its transactions; what has gone keeps nothing.
            with suppress(FileNotFoundError):
                yield str(path.relative_to(folder)), path.read_bytes()


def histories(system: System) -> Shown:
    """Give the history of every workflow, as Temporal's own command line tells it."""
    cli = TemporalCli(system)
    listed: list[Json] = cli("workflow", "list", "--limit", "500")
    assert listed
    for workflow in listed:
        execution = workflow["execution"]
        given = ("--workflow-id", execution["workflowId"], "--run-id", execution["runId"])
        yield (
            f"history of {execution['workflowId']}",
            json.dumps(cli("workflow", "show", *given), ensure_ascii=False).encode(),
        )


def _is_about(path: str, ids: Collection[str]) -> bool:
    return any(each in path for each in ids)


def _file(name: str, content: bytes) -> Shown:
    yield name, content
    if content.startswith(b"%PDF-"):
        yield f"{name}, its words", text_of(content).encode()
        yield from ((f"{name}, unpacked", stream) for stream in streams(content))
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from ((f"{name}: {each}", archive.read(each)) for each in archive.namelist())


def _got(system: System, path: str) -> bytes:
    answer = system.client.get(path)
    assert answer.status_code == 200, f"{path}: {answer.text}"
    return answer.content


def _is_git_or_postgres(path: Path) -> bool:
    return path.parts[:2] == ("data", "postgres") or "objects" in path.parts


def _sign_in_link(system: System) -> str:
    settings = {
        **system.worker_settings,
        "OPERATIONRUN_SECRET_KEY": "any",
        "OPERATIONRUN_PUBLIC_URL": "http://x",
    }
    arguments = (
        "user",
        "create",
        "searcher@example.org",
        "--workspace",
        "default",
        "--role",
        "owner",
        "--json",
    )
    said = subprocess.run(
        own_argv("runtime.cli.main", *arguments),
        env=own_environment(settings),
        capture_output=True,
        check=True,
    )
    link: str = json.loads(said.stdout)["sign_in_url"]
    return link
