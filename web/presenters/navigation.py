from models.catalog import Capability
from models.contracts import Contract
from services.access import Principal


class Place(Contract):
    """One entry of the site's navigation; `sections` are the first words of the addresses under it."""

    label: str
    path: str
    sections: tuple[str, ...]


OPERATIONS = Place(label="Operations", path="/operations", sections=("operations",))
ENVIRONMENTS = Place(
    label="Environments", path="/environments", sections=("environments", "restore-plans", "reviews")
)
PUBLISHED = Place(label="Published", path="/published", sections=("published",))


def places_of(principal: Principal) -> tuple[Place, ...]:
    """Return where a person may go, what they came for first; customers have published reviews alone."""
    published = bool(principal.workspaces_where(Capability.REVIEWS_PUBLISHED_VIEW))
    if published and not principal.workspaces_where(Capability.OPERATIONS_VIEW):
        return (PUBLISHED,)
    return (OPERATIONS, ENVIRONMENTS, *([PUBLISHED] if published else []))
