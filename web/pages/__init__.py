from flask import Blueprint, Flask

from services.reports.text import counted, kind_name
from web.pages import (
    account,
    chosen_runs,
    environments,
    errors,
    openid,
    operations,
    published,
    restore_plans,
    review_comparisons,
    review_history,
    reviews,
    run_actions,
    saved_views,
    security,
    sessions,
    workspaces,
)
from web.presenters import times
from web.presenters.navigation import places_of
from web.presenters.review_wording import state_of_status
from web.presenters.states import state_of_run

_BLUEPRINTS: tuple[Blueprint, ...] = (
    sessions.blueprint,
    openid.blueprint,
    account.blueprint,
    workspaces.blueprint,
    operations.blueprint,
    run_actions.blueprint,
    chosen_runs.blueprint,
    saved_views.blueprint,
    environments.blueprint,
    restore_plans.blueprint,
    reviews.blueprint,
    review_history.blueprint,
    review_comparisons.blueprint,
    published.blueprint,
)


def register(app: Flask) -> None:
    """Give the app its pages: routes, sign-in, security headers, and error pages outside the API."""
    security.protect(app)
    errors.register(app)
    openid.register(app)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.jinja_env.filters.update(
        utc=times.utc,
        duration=times.duration,
        run_state=state_of_run,
        review_state=state_of_status,
        counted=counted,
        kind_name=kind_name,
        places=places_of,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
