from uuid import UUID

from flask import Blueprint, render_template, request

from models.catalog import Capability
from web.pages.signed_in import may_see
from web.queries.environments import get_environment
from web.queries.past_reviews import list_past_reviews
from web.services import services

blueprint = Blueprint("review_history", __name__, url_prefix="/environments")


@blueprint.get("/<uuid:environment_id>/reviews")
def index(environment_id: UUID) -> str:
    """List every review of an environment, newest first, to choose two of them to compare."""
    with services().database.transaction() as session:
        environment = get_environment(session, environment_id)
        may_see(environment.workspace_id if environment else None, Capability.REVIEWS_VIEW)
        assert environment is not None  # noqa: S101 - may_see has raised NotFound
        page = list_past_reviews(
            session,
            workspaces={environment.workspace_id},
            environment_id=environment.id,
            after=request.args.get("after"),
        )
        return render_template(
            "reviews/history.html",
            environment=environment,
            reviews=page.items,
            next=page.next,
            is_first_page="after" not in request.args,
        )
