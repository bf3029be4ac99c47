from web.api import audit, connections, environments, restores, reviews, runs
from web.api.authentication import api

# Each of these gives its routes to the blueprint.
ROUTES = (connections, environments, restores, runs, reviews, audit)

__all__ = ["ROUTES", "api"]
