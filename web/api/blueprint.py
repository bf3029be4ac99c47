from flask import Blueprint

from web.api.authentication import authenticate

# Every route under it has judged the bearer token before anything else.
api = Blueprint("api", __name__, url_prefix="/api/v1")
api.before_request(authenticate)
