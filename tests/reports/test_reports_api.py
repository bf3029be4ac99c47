import io
import zipfile
from uuid import UUID

import pytest

from models.access import Role
from models.environment import Environment
from services.reports.html import content_security_policy
from services.reviews.lineage import Reviews
from services.reviews.readiness import Profile
from tests.clients import fields_of
from tests.review_documents import insert_review, make_source
from tests.world import ABSENT, World

MEDIA_TYPES = {"html": "text/html", "pdf": "application/pdf", "json": "application/json"}


@pytest.fixture
def review(api_world: World) -> str:
    """The path of a draft with its changes."""
    with api_world.services.database.transaction() as session:
        environment = session.get_one(Environment, api_world.environment.id)
        return f"/api/v1/reviews/{insert_review(session, environment, make_source()).id}"


def paths(review: str) -> list[str]:
    reports = [f"{review}/report/{profile}.{form}" for profile in Profile for form in MEDIA_TYPES]
    return [*reports, f"{review}/pack.zip", f"{review}/pack.zip?profile=executive"]


def publish(api_world: World, review: str) -> None:
    assert api_world.api.post(f"{review}/publish", {}).status_code == 200


@pytest.mark.parametrize(("form", "media_type"), MEDIA_TYPES.items())
@pytest.mark.parametrize("profile", Profile)
def test_it_gives_every_report_in_every_form(
    api_world: World, review: str, profile: Profile, form: str, media_type: str
) -> None:
    response = api_world.api.get(f"{review}/report/{profile}.{form}", role=Role.READER)
    assert (response.status_code, response.mimetype) == (200, media_type)
    assert response.content_length == len(response.data) > 1000
    name = f'inline; filename="production-review-2026-06-01-{review[-8:]}-{profile}.{form}"'
    assert response.headers["Content-Disposition"] == name
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_html_comes_with_the_policy_that_lets_its_style_through(api_world: World, review: str) -> None:
    response = api_world.api.get(f"{review}/report/technical.html")
    assert response.headers["Content-Security-Policy"] == content_security_policy()
    other = api_world.api.get(f"{review}/report/technical.json")
    assert "sha256" not in other.headers["Content-Security-Policy"]


def test_it_gives_the_pack_and_the_executive_pack(api_world: World, review: str) -> None:
    response = api_world.api.get(f"{review}/pack.zip")
    assert (response.status_code, response.mimetype) == (200, "application/zip")
    assert response.headers["Content-Disposition"].startswith("attachment; ")
    assert response.headers["Content-Disposition"].endswith('-pack.zip"')
    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        assert "reports/audit.pdf" in archive.namelist()
    alone = api_world.api.get(f"{review}/pack.zip?profile=executive")
    with zipfile.ZipFile(io.BytesIO(alone.data)) as archive:
        assert "reports/audit.pdf" not in archive.namelist()
    assert alone.headers["ETag"] != response.headers["ETag"]


def test_every_file_has_a_tag_of_its_own_and_is_not_sent_twice(api_world: World, review: str) -> None:
    tags = set()
    for path in paths(review):
        first, again = api_world.api.get(path), api_world.api.get(path)
        assert (first.data, first.headers["ETag"]) == (again.data, again.headers["ETag"])
        tags.add(first.headers["ETag"])
        headers = api_world.api.bearer() | {"If-None-Match": first.headers["ETag"]}
        known = api_world.api.app.test_client().get(path, headers=headers)
        assert (known.status_code, known.data, known.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert len(tags) == len(paths(review))


def test_publishing_changes_no_byte_of_any_file(api_world: World, review: str) -> None:
    before = [api_world.api.get(path).data for path in paths(review)]
    publish(api_world, review)
    assert [api_world.api.get(path).data for path in paths(review)] == before


def test_a_superseded_review_still_gives_its_files(api_world: World, review: str) -> None:
    publish(api_world, review)
    with api_world.services.database.transaction() as session:
        environment = session.get_one(Environment, api_world.environment.id)
        after = insert_review(session, environment, make_source(2), previous=UUID(review[-36:]))
        Reviews(session).publish(after.id)
    assert api_world.api.get(f"{review}/pack.zip").status_code == 200


def test_customers_get_the_files_of_published_reviews_alone(api_world: World, review: str) -> None:
    for path in paths(review):
        assert api_world.api.get(path, role=Role.CUSTOMER).status_code == 404
    publish(api_world, review)
    for path in paths(review):
        assert api_world.api.get(path, role=Role.CUSTOMER).status_code == 200


def test_what_is_out_of_scope_is_as_missing_as_what_is_not_there(api_world: World, review: str) -> None:
    publish(api_world, review)
    for path in paths(review):
        foreign, absent = (
            api_world.foreign_api.get(path),
            api_world.api.get(path.replace(review[-36:], ABSENT)),
        )
        assert (foreign.status_code, foreign.get_json()) == (absent.status_code, absent.get_json())
        assert foreign.status_code == 404
        assert api_world.api.app.test_client().get(path).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "report/board.html",
        "report/audit.docx",
        "report/audit.",
        "report/..%2faudit.html",
        "report/AUDIT.html",
    ],
)
def test_a_report_that_does_not_exist_is_missing(api_world: World, review: str, path: str) -> None:
    assert api_world.api.get(f"{review}/{path}").status_code == 404


def test_a_pack_of_an_unknown_profile_is_refused_by_name(api_world: World, review: str) -> None:
    response = api_world.api.get(f"{review}/pack.zip?profile=board")
    assert (response.status_code, fields_of(response)) == (422, ["profile"])


def test_only_reading_is_allowed(api_world: World, review: str) -> None:
    for path in (f"{review}/pack.zip", f"{review}/report/audit.pdf"):
        assert api_world.api.post(path, {}).status_code == 405
        head = api_world.api.app.test_client().head(path, headers=api_world.api.bearer())
        assert (head.status_code, head.data) == (200, b"")
