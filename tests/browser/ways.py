"""How a person comes to each page: by its address, or by what they do on another page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from playwright.sync_api import Page

from tests.browser.people import PASSWORD
from tests.browser.things import Things

Reader = Literal["owner", "customer", "somebody", "nobody"]
Go = Callable[[Page, Things], object]


@dataclass(frozen=True, kw_only=True)
class Way:
    """Who comes to the page of a route and how; `status` is what the page is answered with.

    A sandboxed page lets no script run at all, not even one that checks it.
    `somebody` is an owner who is not met again, for ways that change who is signed in.
    """

    endpoint: str
    reader: Reader
    go: Go
    status: int = 200
    about: str = ""
    is_sandboxed: bool = False

    def __str__(self) -> str:
        """Name the way as a test's parameter."""
        return f"{self.endpoint}{f' ({self.about})' if self.about else ''} by {self.reader}"


def _at(address: Callable[[Things], str]) -> Go:
    return lambda page, things: page.goto(address(things))


def _open(endpoint: str, address: Callable[[Things], str], about: str = "", reader: Reader = "owner") -> Way:
    return Way(endpoint=endpoint, reader=reader, go=_at(address), about=about)


def _check(page: Page, things: Things) -> None:
    page.goto(f"/operations/{things.failed['id']}")
    page.get_by_role("button", name="Check now").click()


def _choose(deed: str) -> Go:
    def go(page: Page, things: Things) -> None:
        run = things.running() if deed == "Cancel…" else things.failed
        page.goto(f"/operations?environment={run['environment_id']}")
        page.locator(f"#run-{run['id']}").get_by_role("checkbox").check()
        page.get_by_role("button", name=deed).click()

    return go


def _check_chosen(page: Page, things: Things) -> None:
    _choose("Check now…")(page, things)
    page.get_by_role("button", name="Yes, check them").click()


def _cancel_chosen(page: Page, things: Things) -> None:
    run = things.running()
    page.goto(f"/operations?environment={run['environment_id']}")
    page.locator(f"#run-{run['id']}").get_by_role("checkbox").check()
    page.get_by_role("button", name="Cancel…").click()
    page.get_by_role("button", name="Yes, cancel them").click()


def _wrong_password(page: Page, _: Things) -> None:
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill("nobody@contoso.example")
    page.get_by_label("Password").fill("not the right one")
    page.get_by_role("button", name="Sign in").click()


def _wrong_present_password(page: Page, _: Things) -> None:
    page.goto("/account")
    page.get_by_label("Present password").fill("not the right one")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Change password").click()


def _sign_out(page: Page, _: Things) -> None:
    page.goto("/account")
    page.get_by_role("button", name="Sign out", exact=True).click()


def _sign_out_everywhere(page: Page, _: Things) -> None:
    page.goto("/account")
    page.get_by_role("button", name="Sign out everywhere").click()


def _to_workspace(page: Page) -> None:
    page.goto("/account")
    page.get_by_role("link", name="Members and tokens").click()


def _workspace(page: Page, _: Things) -> None:
    _to_workspace(page)


def _audit(page: Page, _: Things) -> None:
    _to_workspace(page)
    page.get_by_role("link", name="Audit of this workspace").click()


def _connections(page: Page, _: Things) -> None:
    _to_workspace(page)
    page.get_by_role("link", name="Connections to repositories").click()


def _connection(page: Page, things: Things) -> None:
    _connections(page, things)
    page.locator("[data-connection=file] a").first.click()


def _check_connection(page: Page, things: Things) -> None:
    _connection(page, things)
    page.get_by_role("button", name="Check connection").click()


def _connection_refused(page: Page, things: Things) -> None:
    _connections(page, things)
    page.get_by_text("With a token, over https", exact=True).click()
    page.locator("#https-name").fill("Ours")
    page.locator("#https-url_prefix").fill("https://token@git.example.org")
    page.locator("#https-secret").fill("kind-of-a-token")
    page.get_by_role("button", name="Add connection").first.click()


def _make_token(page: Page, _: Things) -> None:
    _to_workspace(page)
    page.get_by_text("New token", exact=True).click()
    page.get_by_label("Name").fill("nightly")
    page.get_by_role("button", name="Create token").click()


def _add_nobody(page: Page, _: Things) -> None:
    _to_workspace(page)
    page.get_by_text("Add a person", exact=True).click()
    page.get_by_label("E-mail address").fill("not an address")
    page.get_by_role("button", name="Add to the workspace").click()


def _compose_refused(page: Page, things: Things) -> None:
    page.goto(f"/environments/{things.environment['id']}")
    page.locator("#compose-ref").fill("--upload-pack=x")
    page.get_by_role("button", name="Compose from this version").click()


def _restore_point_refused(page: Page, things: Things) -> None:
    page.goto(f"/environments/{things.restored['environment_id']}")
    page.get_by_text("New restore point", exact=True).click()
    page.locator("#restore_point-label").fill("Before the change")
    page.locator("#restore_point-ref").fill("release-that-is-not-there")
    page.get_by_role("button", name="Create restore point").click()


def _preview_refused(page: Page, things: Things) -> None:
    page.goto(f"/environments/{things.restored['environment_id']}")
    page.locator("#restore_plan-items").fill("nothing/is/here/*")
    page.get_by_role("button", name="Preview restore").click()


def _publish_too_late(page: Page, things: Things) -> None:
    earlier, later = things.two_drafts()
    page.goto(f"/reviews/{later}")
    things.publish(earlier)
    page.get_by_role("button", name="Publish").click()


def _review(name: str, tail: Callable[[Things], str] = lambda _: "", about: str = "") -> tuple[Way, Way]:
    """Return two ways to a page of a review: the owner's to the draft, a customer's to what is published."""

    def draft(things: Things) -> str:
        return f"/reviews/{things.draft}{tail(things)}"

    def published(things: Things) -> str:
        return f"/published/{things.published}{tail(things)}"

    return (
        _open(f"reviews.{name}", draft, about),
        _open(f"published.{name}", published, about, "customer"),
    )


def _report(profile: str) -> list[Way]:
    ways = _review("report", lambda _: f"/report/{profile}.html", profile)
    return [replace(way, is_sandboxed=True) for way in ways]


WAYS: Final[tuple[Way, ...]] = (
    _open("sessions.form", lambda _: "/sign-in", reader="nobody"),
    Way(endpoint="sessions.by_password", reader="nobody", go=_wrong_password, status=422),
    _open("sessions.ask", lambda _: "/sign-in/made-up", reader="nobody"),
    Way(endpoint="sessions.sign_out", reader="somebody", go=_sign_out),
    Way(endpoint="operations.index", reader="nobody", go=_at(lambda _: "/operations"), status=401),
    _open("reference.show_reference", lambda _: "/api/v1/docs", reader="nobody"),
    _open("account.show", lambda _: "/account"),
    _open("account.show", lambda _: "/account", reader="customer"),
    Way(endpoint="account.change_password", reader="somebody", go=_wrong_present_password, status=422),
    Way(endpoint="account.leave", reader="somebody", go=_sign_out_everywhere),
    Way(endpoint="workspaces.show", reader="owner", go=_workspace),
    Way(endpoint="workspaces.make_token", reader="owner", go=_make_token, status=201),
    Way(endpoint="workspaces.add_member", reader="owner", go=_add_nobody, status=422),
    Way(endpoint="workspaces.show_audit", reader="owner", go=_audit),
    Way(endpoint="connections.index", reader="owner", go=_connections),
    Way(endpoint="connections.show", reader="owner", go=_connection),
    Way(endpoint="connections.check", reader="owner", go=_check_connection),
    Way(endpoint="connections.create", reader="owner", go=_connection_refused, status=422),
    _open("operations.index", lambda _: "/operations"),
    _open("operations.index", lambda _: "/operations?outcome=failed&q=release", "narrowed"),
    _open("operations.show", lambda things: f"/operations/{things.composed['id']}", "composed"),
    _open("operations.show", lambda things: f"/operations/{things.restored['id']}", "restored"),
    _open("operations.show", lambda things: f"/operations/{things.failed['id']}", "failed"),
    _open("operations.show", lambda things: f"/operations/{things.cancelled['id']}", "cancelled"),
    _open("operations.show", lambda things: f"/operations/{things.running()['id']}", "running"),
    Way(
        endpoint="operations.show",
        reader="owner",
        go=_at(lambda things: f"/operations/{things.nowhere()}"),
        status=404,
        about="missing",
    ),
    _open("run_actions.confirm_cancel", lambda things: f"/operations/{things.running()['id']}/cancellation"),
    Way(endpoint="run_actions.check", reader="owner", go=_check),
    Way(endpoint="chosen_runs.confirm", reader="owner", go=_choose("Cancel…")),
    Way(endpoint="chosen_runs.check", reader="owner", go=_check_chosen),
    Way(endpoint="chosen_runs.cancel", reader="owner", go=_cancel_chosen),
    _open("environments.index", lambda _: "/environments"),
    _open("environments.show", lambda things: f"/environments/{things.environment['id']}"),
    Way(endpoint="environments.compose", reader="owner", go=_compose_refused, status=422),
    Way(endpoint="environments.create_restore_point", reader="owner", go=_restore_point_refused, status=422),
    Way(endpoint="environments.preview_restore", reader="owner", go=_preview_refused, status=422),
    _open("restore_plans.show", lambda things: f"/restore-plans/{things.plan['id']}"),
    _open("review_history.index", lambda things: f"/environments/{things.environment['id']}/reviews"),
    _open(
        "review_comparisons.show",
        lambda things: f"/reviews/compare?from={things.published}&to={things.draft}",
    ),
    _open(
        "review_comparisons.item",
        lambda things: (
            f"/reviews/compare/item?from={things.published}&to={things.draft}&path={things.changed_item}"
        ),
    ),
    *_review("show"),
    *_review("finding", lambda things: f"/findings/{things.finding}"),
    *_review("change", lambda _: "/changes/0"),
    *_report("executive"),
    *_report("technical"),
    *_report("audit"),
    Way(endpoint="reviews.publish", reader="owner", go=_publish_too_late, status=409),
    _open("reviews.confirm_archive", lambda things: f"/reviews/{things.draft}/archiving"),
    _open("published.index", lambda _: "/published"),
    _open("published.index", lambda _: "/published", reader="customer"),
    Way(
        endpoint="operations.show",
        reader="customer",
        go=_at(lambda things: f"/operations/{things.composed['id']}"),
        status=404,
        about="out of sight",
    ),
)

# What leads on to another page, or is no page: each with where it leads, or what it is.
NO_PAGES: Final[Mapping[str, str]] = {
    "static": "a file",
    "account.end_one": "leads to the account",
    "account.end_others": "leads to the account",
    "sessions.home": "leads to the first place",
    "sessions.sign_in": "leads to the first place",
    "openid.start": "leads to the identity provider",
    "openid.finish": "leads to the first place",
    "operations.list_fragment": "a part of the list",
    "operations.fragment": "a part of a run's page",
    "operations.evidence": "a file",
    "run_actions.cancel": "leads to the run",
    "run_actions.settle": "leads to the run",
    "run_actions.again": "leads to the new run",
    "saved_views.save": "leads to the list",
    "saved_views.delete": "leads to the list",
    "restore_plans.execute": "leads to the run",
    "reviews.archive": "leads to the review",
    "reviews.pack": "a file",
    "published.pack": "a file",
    "connections.change": "leads to the connection",
    "connections.remove": "leads to the connections",
    "workspaces.change_role": "leads to the workspace",
    "workspaces.remove_member": "leads to the workspace",
    "workspaces.download_audit": "a file",
    "workspaces.revoke": "leads to the workspace",
    "reference.show_document": "a document for programs",
}
