"""A report is rendered once, by whoever comes first, and kept; who waits too long hears when to ask again."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text, update

from models.access import Role
from models.environment import Environment
from models.errors import ReportTooLarge
from models.rendered_file import RenderedFile, RenderedPiece
from models.review import EnvironmentReview
from services.reports.kept import kept_files, renderer
from services.reports.kept.file_names import FileName
from services.reports.kept.kept_files import WantedFile, claim, find, keep
from tests.open_transactions import OpenTransactions
from tests.review_documents import insert_review, make_source
from tests.world import World
from web.context import REPORTS_AWAITED_AT_ONCE
from web.reviews import downloads

CONTENT = b"%PDF-" + bytes(3 * 1024 * 1024)


@pytest.fixture
def wanted(api_world: World) -> WantedFile:
    with api_world.services.database.transaction() as session:
        environment = session.get_one(Environment, api_world.environment.id)
        review = insert_review(session, environment, make_source(0))
    return WantedFile(review_id=review.id, workspace_id=review.workspace_id, name=FileName.parse("audit.pdf"))


class Child:
    """Stands for the child process: counts what it renders, and is held until it may go on."""

    def __init__(self, transactions: OpenTransactions) -> None:
        self.rendered: list[str] = []
        self.problem: Exception | None = None
        self.go = threading.Event()
        self.go.set()
        self._transactions = transactions

    def __call__(self, name: FileName, _review: object, out: Any) -> None:
        self._transactions.refuse("a report is rendered")
        self.rendered.append(str(name))
        assert self.go.wait(20)
        if self.problem:
            raise self.problem
        out.write(CONTENT)


@pytest.fixture
def child(api_world: World, monkeypatch: pytest.MonkeyPatch) -> Child:
    made = Child(OpenTransactions(api_world.services.database.engine))
    monkeypatch.setattr(renderer, "render_in_child", made)
    return made


def path_of(wanted: WantedFile) -> str:
    return f"/api/v1/reviews/{wanted.review_id}/report/audit.pdf"


def change(world: World, wanted: WantedFile, **values: Any) -> None:
    with world.services.database.transaction() as session:
        session.execute(
            update(RenderedFile).where(RenderedFile.review_id == wanted.review_id).values(**values)
        )


def test_requests_at_once_and_later_ones_get_one_rendering(
    api_world: World, wanted: WantedFile, child: Child
) -> None:
    child.go.clear()
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(api_world.api.get, path_of(wanted)) for _ in range(4)]
        child.go.set()
        answers = [each.result() for each in asked]
    answers.append(api_world.api.get(path_of(wanted), role=Role.READER))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.data for answer in answers} == {CONTENT}
    assert child.rendered == ["audit.pdf"]


def test_two_processes_render_it_once(api_world: World, wanted: WantedFile) -> None:
    database = api_world.services.database
    claims = []
    for _ in range(2):
        with database.transaction() as session:
            claims.append(claim(session, wanted))
    assert claims[0] is not None
    assert claims[1] is None


def test_a_claim_of_a_killed_process_ends_and_keeps_nothing_late(
    api_world: World, wanted: WantedFile, child: Child, tmp_path: Any
) -> None:
    database = api_world.services.database
    with database.transaction() as session:
        lost = claim(session, wanted)
    assert lost is not None
    change(api_world, wanted, claimed_until=func.now() - timedelta(seconds=1))
    assert api_world.api.get(path_of(wanted)).data == CONTENT
    (tmp_path / "late").write_bytes(b"late")
    with (tmp_path / "late").open("rb") as late, database.transaction() as session:
        keep(session, lost, wanted, late)
    assert api_world.api.get(path_of(wanted)).data == CONTENT
    assert child.rendered == ["audit.pdf"]


def test_another_composer_renders_it_again(
    api_world: World, wanted: WantedFile, child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    api_world.api.get(path_of(wanted))
    monkeypatch.setattr(kept_files, "rendering_version", lambda: "another")
    assert api_world.api.get(path_of(wanted)).status_code == 200
    assert child.rendered == ["audit.pdf"] * 2
    with api_world.services.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(RenderedFile)) == 1
        assert find(session, wanted) is not None


def test_who_waits_too_long_hears_when_to_ask_again(
    api_world: World, wanted: WantedFile, child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "PATIENCE", timedelta(milliseconds=10))
    child.go.clear()
    answer = api_world.api.get(path_of(wanted))
    assert (answer.status_code, answer.get_json()) == (202, {"ready": False, "retry_after": 3})
    assert answer.headers["Retry-After"] == "3"
    foreign = api_world.foreign_api.get(path_of(wanted))
    assert foreign.status_code == 404
    child.go.set()
    monkeypatch.setattr(downloads, "PATIENCE", timedelta(seconds=20))
    assert api_world.api.get(path_of(wanted)).data == CONTENT


def test_a_quarter_of_the_threads_waits_and_no_more(
    api_world: World, wanted: WantedFile, child: Child
) -> None:
    slots = api_world.services.report_slots
    for _ in range(REPORTS_AWAITED_AT_ONCE):
        assert slots.acquire(blocking=False)
    child.go.clear()
    assert api_world.api.get(path_of(wanted)).status_code == 202
    for _ in range(REPORTS_AWAITED_AT_ONCE):
        slots.release()
    child.go.set()
    assert api_world.api.get(path_of(wanted)).status_code == 200
    assert slots._value == REPORTS_AWAITED_AT_ONCE
    assert child.rendered == ["audit.pdf"]


def test_a_browser_waits_on_a_page_that_goes_on_by_itself(
    api_world: World, wanted: WantedFile, child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "PATIENCE", timedelta(0))
    child.go.clear()
    browser = api_world.browser(Role.REVIEWER)
    page = browser.client.get(f"/reviews/{wanted.review_id}/report/audit.pdf")
    assert page.status_code == 202
    assert '<meta http-equiv="refresh" content="3">' in page.text
    assert f'href="/reviews/{wanted.review_id}"' in page.text
    assert 'data-rendering="audit.pdf"' in page.text
    child.go.set()


def test_one_that_is_too_large_says_so_and_is_not_tried_at_once(
    api_world: World, wanted: WantedFile, child: Child
) -> None:
    child.problem = ReportTooLarge()
    for _ in range(2):
        answer = api_world.api.get(path_of(wanted))
        assert (answer.status_code, answer.get_json()["code"]) == (422, "report_too_large")
    assert child.rendered == ["audit.pdf"]
    child.problem = None
    change(api_world, wanted, claimed_until=func.now() - timedelta(seconds=1))
    assert api_world.api.get(path_of(wanted)).status_code == 200


def test_what_fails_unforeseen_leaves_no_claim(api_world: World, wanted: WantedFile, child: Child) -> None:
    child.problem = OSError("no room")
    with pytest.raises(OSError, match="no room"):
        renderer.Renderer(database=api_world.services.database, signer=None).render(wanted)
    child.problem = None
    assert api_world.api.get(path_of(wanted)).status_code == 200


def test_a_review_takes_what_was_rendered_with_it(api_world: World, wanted: WantedFile, child: Child) -> None:
    assert api_world.api.get(path_of(wanted)).status_code == 200
    assert child.rendered
    with api_world.services.database.transaction() as session:
        pieces = select(func.count()).select_from(RenderedPiece)
        assert session.scalar(pieces) == 4
        # No role of ours may delete a review that completed a run.
        session.execute(text("ALTER TABLE environment_reviews DISABLE TRIGGER USER"))
        session.execute(delete(EnvironmentReview).where(EnvironmentReview.id == wanted.review_id))
        assert session.scalar(pieces) == 0
