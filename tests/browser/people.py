from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

from models.access import Role
from services.access.members import Members
from services.access.passwords import set_password
from services.database.session import Database
from services.workspaces.workspaces import Workspaces
from tests.browser.watching import Watch
from tests.system import System

PASSWORD = "four plain words here"
PATIENCE = 60_000  # milliseconds, as Playwright counts
_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with a password, and with a role in a workspace."""

    email: str
    role: Role


class People:
    """Who uses a system in a browser: added to it, and signed in once by their password."""

    def __init__(self, system: System, browser: Browser) -> None:
        self.site: str = system.ready["web_url"]
        self._system = system
        self._browser = browser
        self._signed_in: dict[str, Any] = {}
        self._open: list[tuple[BrowserContext, Watch]] = []

    @cached_property
    def owner(self) -> Person:
        return self.add(Role.OWNER)

    @cached_property
    def customer(self) -> Person:
        return self.add(Role.CUSTOMER)

    def add(self, role: Role, workspace: str = "default") -> Person:
        """Add a person to a workspace, which is made where it is not there yet."""
        email = f"{role}-{next(_numbers)}@contoso.example"
        connected = closing(Database.connect(self._system.ready["database_url"]))
        with connected as database, database.transaction() as session:
            Workspaces(session).ensure(slug=workspace, name=workspace.capitalize())
            workspace_id = Workspaces(session).find(workspace).id
            user = Members(session, workspace_id).add(email=email, role=role)
            set_password(session, user.id, PASSWORD)
        return Person(email=email, role=role)

    def page(self, person: Person | None, *, fresh: bool = False, **options: Any) -> tuple[Page, Watch]:
        """Open a watched page for somebody who is signed in, or for nobody (None).

        `fresh` signs in anew, for who will sign out; `options` are Playwright's for a context.
        """
        state = self._state_of(person, fresh=fresh) if person else None
        return self._opened(storage_state=state, **options)

    def troubles(self) -> list[str]:
        """Close every page that is open, and return what their watches noted."""
        found = [trouble for _, watch in self._open for trouble in watch.troubles]
        self.forget()
        return found

    def forget(self) -> None:
        """Close every page that is open, whatever it did."""
        for context, _ in self._open:
            context.close()
        self._open.clear()

    def _opened(self, **options: Any) -> tuple[Page, Watch]:
        context = self._browser.new_context(
            base_url=self.site, **{"viewport": {"width": 1200, "height": 900}, **options}
        )
        context.set_default_timeout(PATIENCE)
        watch = Watch(context, self.site)
        self._open.append((context, watch))
        return context.new_page(), watch

    def _state_of(self, person: Person, *, fresh: bool) -> Any:
        if person.email in self._signed_in and not fresh:
            return self._signed_in[person.email]
        page, _ = self._opened()
        page.goto("/sign-in")
        sign_in(page, person)
        state = page.context.storage_state()
        # Else it would go on asking for a person who may sign out everywhere.
        page.context.close()
        if not fresh:
            self._signed_in[person.email] = state
        return state


def sign_in(page: Page, person: Person) -> None:
    """Fill in the form that a page shows, and wait until the person is known."""
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
