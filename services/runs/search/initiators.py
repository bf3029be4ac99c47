from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.database.paging import contains

# How many names of one workspace a search reads.
_NAMES_READ: Final = 2000

# Skips from one name to the next along the index: the cost follows the names, not the runs.
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
    FROM known WHERE known.name IS NOT NULL AND known.place < :names_read
)
SELECT workspace_id, name FROM known WHERE name ILIKE :pattern ORDER BY name LIMIT :limit
""")


def mentioned_initiators(
    session: Session, workspaces: Collection[UUID], given: str, *, limit: int
) -> list[tuple[UUID, str]]:
    """Return the initiators of the workspaces' runs whose name contains a text, by name."""
    parameters = {
        "workspaces": [*workspaces],
        "names_read": _NAMES_READ,
        "pattern": contains(given),
        "limit": limit,
    }
    return [(workspace_id, name) for workspace_id, name in session.execute(_NAMES, parameters)]
