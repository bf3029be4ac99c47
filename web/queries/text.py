from uuid import UUID


def searchable(given: str) -> str:
    """Return text as PostgreSQL can take it, trimmed; in place of what it cannot is what matches nothing."""
    return given.encode("utf-8", "replace").decode().replace("\x00", "\ufffd").strip()


def contains(given: str) -> str:
    """Return the LIKE pattern of a text that stands anywhere, its own wildcards taken literally."""
    escaped = given.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"


def as_uuid(given: str) -> UUID | None:
    """Read a uuid; None for anything else."""
    try:
        return UUID(given)
    except ValueError:
        return None
