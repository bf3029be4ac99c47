from flask import g

from services.access import Principal
from services.row_scope import SIGNING_IN, RowScope, within


def scope_of_request() -> RowScope:
    """Return whose rows the present request may reach; until it is known who asks, those of signing in."""
    principal: Principal | None = g.get("principal")
    return within(frozenset(principal.roles)) if principal else SIGNING_IN
