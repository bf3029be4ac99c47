from flask import Blueprint

from web.api.authentication import authenticate, tell_limit
from web.api.parameters import refuse_unknown_parameters

# Every route under it has judged the bearer token before anything else.
api = Blueprint("api", __name__, url_prefix="/api/v1")
api.before_request(authenticate)
api.before_request(refuse_unknown_parameters)
api.after_request(tell_limit)
