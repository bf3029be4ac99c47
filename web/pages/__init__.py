from flask import Blueprint, Flask

from web.pages import (
    environments,
    errors,
    operations,
    restore_plans,
    reviews,
    run_actions,
    security,
    sessions,
)
from web.presenters import times
from web.presenters.states import state_of_review, state_of_run

_BLUEPRINTS: tuple[Blueprint, ...] = (
    sessions.blueprint,
    operations.blueprint,
    run_actions.blueprint,
    environments.blueprint,
    restore_plans.blueprint,
    reviews.blueprint,
)


def register(app: Flask) -> None:
    """Give the app its pages: routes, sign-in, security headers, and error pages outside the API."""
    security.protect(app)
    errors.register(app)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.jinja_env.filters.update(
        utc=times.utc,
        duration=times.duration,
        run_state=state_of_run,
        review_state=state_of_review,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
