from flask import Blueprint, Flask
from markupsafe import Markup

import web.accounts.account
import web.accounts.connections
import web.accounts.openid
import web.accounts.sign_in
import web.accounts.workspaces
import web.environments.pages
import web.environments.restore_plans
import web.reviews.comparison
import web.reviews.pages
import web.reviews.published
import web.runs.actions
import web.runs.bulk
import web.runs.pages
import web.runs.saved_views
from services.text import counted, kind_name, visible
from web import error_pages
from web.reviews.wording import state_of_severity, state_of_status
from web.ui import security, times
from web.ui.navigation import places_of
from web.ui.states import state_of_run

_BLUEPRINTS: tuple[Blueprint, ...] = (
    web.accounts.sign_in.blueprint,
    web.accounts.openid.blueprint,
    web.accounts.account.blueprint,
    web.accounts.workspaces.blueprint,
    web.accounts.connections.blueprint,
    web.runs.pages.blueprint,
    web.runs.actions.blueprint,
    web.runs.bulk.blueprint,
    web.runs.saved_views.blueprint,
    web.environments.pages.blueprint,
    web.environments.restore_plans.blueprint,
    web.reviews.pages.blueprint,
    web.reviews.pages.history_blueprint,
    web.reviews.comparison.blueprint,
    web.reviews.published.blueprint,
)


def register(app: Flask) -> None:
    """Give the app its pages: routes, sign-in, security headers, and error pages outside the API."""
    security.protect(app)
    error_pages.register(app)
    web.accounts.openid.register(app)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.jinja_env.filters.update(
        utc=times.utc,
        duration=times.duration,
        duration_to=times.duration_between,
        parsed=times.parse,
        run_state=state_of_run,
        review_state=state_of_status,
        severity_state=state_of_severity,
        counted=counted,
        kind_name=kind_name,
        places=places_of,
    )
    app.jinja_env.finalize = _shown
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _shown(value: object) -> object:
    """Write out, in every text that a page shows, what hides or reorders its neighbours."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    # A form gives the lines of a text field back with both.
    return visible(value.replace("\r\n", "\n"))
