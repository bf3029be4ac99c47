from http import HTTPStatus

from flask import Response

from services.output_readiness import Profile
from services.reports.rendering import Format
from web.api.blueprint import api
from web.api.finding import find_review
from web.api.parameters import PackQuery, read_query
from web.openapi.promise import JSON, Content, Promise, Tag, promises
from web.reports import pack_response, report_response
from web.services import services


@api.get("/reviews/<review_id>/report/<profile>.<form>")
@promises(
    Promise(
        tag=Tag.REVIEWS,
        paths={"profile": Profile, "form": Format},
        answers={
            HTTPStatus.OK: Content(
                media_types=("text/html", "application/pdf", JSON), description="The report."
            )
        },
        revalidated=True,
    )
)
def show_report(review_id: str, profile: str, form: str) -> Response:
    """Give one report of a review, as HTML, PDF or JSON."""
    with services().database.transaction() as session:
        return report_response(session, find_review(session, review_id), profile, form)


@api.get("/reviews/<review_id>/pack.zip")
@promises(
    Promise(
        tag=Tag.REVIEWS,
        query=PackQuery,
        answers={HTTPStatus.OK: Content(media_types=("application/zip",), description="The pack.")},
        revalidated=True,
    )
)
def show_pack(review_id: str) -> Response:
    """Give the review pack, or with `profile` one with that profile's reports alone."""
    profile = read_query(PackQuery).profile
    with services().database.transaction() as session:
        review = find_review(session, review_id)
        return pack_response(session, review, profile)
