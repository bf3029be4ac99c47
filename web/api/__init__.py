from web.api import environments, operations, restores, reviews, workspaces
from web.api.blueprint import api

# Each of these gives its routes to the blueprint.
ROUTES = (workspaces, environments, restores, operations, reviews)

__all__ = ["ROUTES", "api"]
