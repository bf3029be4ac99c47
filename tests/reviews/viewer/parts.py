"""The parts that the pages of reviews share."""

import re
from uuid import uuid4

from models.access import Role
from models.actor import Actor
from models.catalog import Capability
from services.access.principals import Principal
from tests.page import Part
from web.ui.navigation import why_not

FINDINGS, CHANGES = '[aria-labelledby="findings"]', '[aria-labelledby="changes"]'


def changed_paths(page: Part) -> list[str]:
    """Return the changed items of a list, by their paths."""
    return page.texts(f"{CHANGES} a.item > .path")


def primary(page: Part) -> list[str]:
    """Return where the primary buttons of a page lead."""
    links = [link["href"] for link in page.all("a.primary")]
    forms = [form["action"] for form in page.all("form") if form.has("button.primary")]
    assert len(links + forms) == len(page.all(".primary"))
    return links + forms


def offered(page: Part) -> list[str]:
    """Return where the actions in the header of a review lead, in their order."""
    return [part["action" if part.has("button") else "href"] for part in page.all(".offers > *:not(p)")]


def standing(page: Part) -> str:
    """Return the word for the review's status."""
    return page.one(".under > .state").text


def error(page: Part, status: str) -> list[str]:
    """Return the sentences of an error page."""
    return page.one(f'[data-error="{status}"]').texts("p")


def numbers(text: str) -> list[int]:
    """Return the numbers of a sentence."""
    return [int(number) for number in re.findall(r"\d+", text)]


def following(page: Part) -> str | None:
    """Return where the next page of a list is, without its anchor; None on the last."""
    links = page.all('a[rel="next"]')
    assert len(links) <= 1
    return links[0]["href"].partition("#")[0] if links else None


def may_not_manage(role: Role) -> str:
    """Return why a role may not manage reviews."""
    workspace = uuid4()
    person = Principal(actor=Actor(kind="user", name="somebody"), roles={workspace: role})
    reason = why_not(person, workspace, Capability.REVIEWS_MANAGE)
    assert reason
    assert f"({role})" in reason
    return reason
