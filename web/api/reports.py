from flask import Response

from services.output_readiness import Profile
from web.api import parameters
from web.api.blueprint import api
from web.api.finding import find_review
from web.reports import pack_response, report_response
from web.services import services


@api.get("/reviews/<review_id>/report/<profile>.<form>")
def show_report(review_id: str, profile: str, form: str) -> Response:
    """Give one report of a review, as HTML, PDF or JSON."""
    with services().database.transaction() as session:
        return report_response(session, find_review(session, review_id), profile, form)


@api.get("/reviews/<review_id>/pack.zip")
def show_pack(review_id: str) -> Response:
    """Give the review pack, or with `profile` one with that profile's reports alone."""
    with services().database.transaction() as session:
        review = find_review(session, review_id)
        return pack_response(session, review, parameters.choice("profile", Profile))
