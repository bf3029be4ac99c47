from web.api import environments, operations, reports, restores, reviews, run_actions, workspaces
from web.api.blueprint import api

# Each of these gives its routes to the blueprint.
ROUTES = (workspaces, environments, restores, operations, run_actions, reviews, reports)

__all__ = ["ROUTES", "api"]
