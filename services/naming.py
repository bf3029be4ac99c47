import re

from models.errors import InvalidInput

LONGEST_NAME = 200

_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")


def check_slug(slug: str) -> str:
    """Return a slug that can be used, or raise InvalidInput; the database holds the same rule."""
    if not _SLUG.fullmatch(slug):
        raise InvalidInput(
            "slug", "A slug is 1 to 64 lowercase letters, digits and hyphens, with no hyphen at either end."
        )
    return slug


def check_name(name: str, *, field: str = "name") -> str:
    """Return a name for people without its outer spaces, or raise InvalidInput for the field."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput(field, f"A {field} is 1 to {LONGEST_NAME} printable characters.")
    return name
