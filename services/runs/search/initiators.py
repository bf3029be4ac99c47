from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.database.paging import contains

# How many names of one workspace are looked through.
_LOOKED_THROUGH: Final = 2000

# From one name to the next along the index: as many steps as there are names, not as there are runs.
_NAMES: Final = text("""
WITH RECURSIVE known AS (
    SELECT scope.id AS workspace_id, 1 AS place, (
        SELECT min(initiator_name) FROM operation_runs WHERE workspace_id = scope.id
    ) AS name
    FROM unnest(CAST(:workspaces AS uuid[])) AS scope(id)
    UNION ALL
    SELECT known.workspace_id, known.place + 1, (
        SELECT min(initiator_name) FROM operation_runs
        WHERE workspace_id = known.workspace_id AND initiator_name > known.name
    )
    FROM known WHERE known.name IS NOT NULL AND known.place < :looked_through
)
SELECT workspace_id, name FROM known WHERE name ILIKE :pattern ORDER BY name LIMIT :limit
""")


def mentioned_initiators(
    session: Session, workspaces: Collection[UUID], given: str, *, limit: int
) -> list[tuple[UUID, str]]:
    """Return whose names hold a text, of those who asked for runs in the workspaces, by name."""
    parameters = {
        "workspaces": [*workspaces],
        "looked_through": _LOOKED_THROUGH,
        "pattern": contains(given),
        "limit": limit,
    }
    return [(workspace_id, name) for workspace_id, name in session.execute(_NAMES, parameters)]
