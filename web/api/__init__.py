from web.api import environments, restores, reviews, runs
from web.api.authentication import api

# Each of these gives its routes to the blueprint.
ROUTES = (environments, restores, runs, reviews)

__all__ = ["ROUTES", "api"]
