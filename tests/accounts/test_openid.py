"""Signing in by OpenID Connect, against a provider over real HTTP."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import func, select
from structlog.testing import capture_logs

from models.access import User
from models.base import utc_now
from services.access.openid_subjects import release
from tests.accounts.identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider, identity_provider
from tests.clients import Browser
from tests.page import page_of
from tests.world import World
from web.app import create_app
from web.error_pages import PAGES
from web.openid import OpenIdProvider

START = "/sign-in/openid"


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture
def browser(world: World, provider: IdentityProvider) -> Browser:
    """A browser before the web app, to whose provider Ada is known and who is known here."""
    with world.database.transaction() as session:
        session.add(User(email="Ada@Contoso.example", name="Ada", created_at=utc_now()))
    return Browser(app_with(world, provider.url).test_client())


def app_with(world: World, issuer: str) -> Any:
    openid = OpenIdProvider(issuer=issuer, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, label="Contoso")
    return create_app(replace(world.services, openid=openid), secret_key="a key of this test alone")


def to_provider(browser: Browser, start: str = START) -> httpx.URL:
    """Go to the provider and return the address that it leads back to."""
    sent = browser.get(start)
    assert sent.status_code == 302, sent.text
    back = httpx.get(sent.headers["Location"], follow_redirects=False)
    return httpx.URL(back.headers["Location"])


def there_and_back(browser: Browser, start: str = START) -> Any:
    return browser.get(to_provider(browser, start).raw_path.decode())


def assert_error_page(answer: Any, name: str, status: int) -> None:
    error = page_of(answer.text).one("[data-error]")
    assert (answer.status_code, error["data-error"]) == (status, name)
    assert error.one("h1").text == PAGES[name].title


def test_it_signs_in_whom_the_provider_vouches_for(browser: Browser) -> None:
    answer = there_and_back(browser)

    assert answer.status_code == 303
    assert "Ada@Contoso.example" in browser.read("/account")


def test_it_offers_the_provider_where_one_is_configured(browser: Browser, world: World) -> None:
    assert browser.page("/sign-in").one(f'a[href="{START}"]').text.endswith("Contoso")
    without = Browser(world.app.test_client())
    assert not without.page("/sign-in").has(f'a[href^="{START}"]')
    assert without.get(START).status_code == 404


def test_it_asks_by_code_with_a_challenge_a_state_and_a_nonce(
    browser: Browser, provider: IdentityProvider
) -> None:
    there_and_back(browser)

    asked, traded = provider.asked[0], provider.traded[0]
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["redirect_uri"] == "http://localhost/sign-in/openid/callback"
    assert set(asked["scope"].split()) == {"openid", "email"}
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 20
    assert len(traded["code_verifier"]) >= 43


def test_it_leads_to_the_page_that_was_asked_for(browser: Browser) -> None:
    assert there_and_back(browser, f"{START}?next=/account").headers["Location"] == "/account"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_it_leads_nowhere_else(browser: Browser, elsewhere: str) -> None:
    location = there_and_back(browser, f"{START}?next={elsewhere}").headers["Location"]

    assert "evil" not in location


def test_it_adds_nobody_that_was_not_known(
    browser: Browser, provider: IdentityProvider, world: World
) -> None:
    provider.claims = {"email": "stranger@contoso.example"}

    answer = there_and_back(browser)

    assert_error_page(answer, "unknown_person", 401)
    with world.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(User)) == 1
    assert browser.get("/account").status_code == 401


def test_it_knows_a_person_by_the_subject_once_they_have_signed_in(
    browser: Browser, provider: IdentityProvider, world: World
) -> None:
    there_and_back(browser)
    another = Browser(app_with(world, provider.url).test_client())
    provider.claims = {"email": "ada@fabrikam.example", "email_verified": False}

    assert there_and_back(another).status_code == 303
    assert "Ada@Contoso.example" in another.read("/account")


def test_an_address_given_to_somebody_else_opens_nothing_until_it_is_released(
    browser: Browser, provider: IdentityProvider, world: World
) -> None:
    there_and_back(browser)
    another = Browser(app_with(world, provider.url).test_client())
    provider.claims = {"sub": "2"}

    with capture_logs() as logs:
        answer = there_and_back(another)

    assert_error_page(answer, "subject_refused", 401)
    assert another.get("/account").status_code == 401
    assert [each["event"] for each in logs] == ["openid_subject_refused"]
    with world.database.transaction() as session, capture_logs() as logs:
        person = session.scalars(select(User.id)).one()
        assert (release(session, person), release(session, person)) == (1, 0)
    assert [(each["event"], each["user_id"]) for each in logs] == [("openid_subject_released", str(person))]
    assert there_and_back(another).status_code == 303


def test_a_subject_stays_with_its_person(browser: Browser, provider: IdentityProvider, world: World) -> None:
    there_and_back(browser)
    grace = world.add_person(None)
    another = Browser(app_with(world, provider.url).test_client())
    provider.claims = {"email": grace.email}

    there_and_back(another)

    assert "Ada@Contoso.example" in another.read("/account")


def test_another_provider_has_another_subject(browser: Browser, world: World) -> None:
    there_and_back(browser)
    with identity_provider() as other:
        other.claims = {"sub": "of another"}
        moved = Browser(app_with(world, other.url).test_client())

        assert there_and_back(moved).status_code == 303


UNTRUSTWORTHY: dict[str, Callable[[], dict[str, Any]]] = {
    "another nonce": lambda: {"nonce": "another"},
    "no nonce": lambda: {"nonce": None},
    "another audience": lambda: {"aud": "another client"},
    "an audience beside us": lambda: {"aud": ["another client"], "azp": CLIENT_ID},
    "another issuer": lambda: {"iss": "https://evil.example"},
    "expired": lambda: {"exp": int(time.time()) - 3600, "iat": int(time.time()) - 7200},
    "no expiry": lambda: {"exp": None},
    "an address that was not verified": lambda: {"email_verified": False},
    "an address of which nothing is said": lambda: {"email_verified": None},
    "an odd word for verified": lambda: {"email_verified": ["true"]},
    "no subject": lambda: {"sub": None},
    "an empty subject": lambda: {"sub": ""},
    "a subject longer than the standard has": lambda: {"sub": "1" * 256},
    "a subject that is no text": lambda: {"sub": {"a": 1}},
    "no address": lambda: {"email": None},
    "an address that is no text": lambda: {"email": {"a": 1}},
}


@pytest.mark.parametrize("said", UNTRUSTWORTHY)
def test_it_does_not_believe(browser: Browser, provider: IdentityProvider, said: str) -> None:
    provider.claims = UNTRUSTWORTHY[said]()

    answer = there_and_back(browser)

    assert_error_page(answer, "identity_refused", 401)
    assert browser.get("/account").status_code == 401


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSAKey.generate_key(2048), "RS256"),
        (OctKey.import_key(CLIENT_SECRET * 3), "HS256"),
    ],
    ids=["another key", "the shared secret"],
)
def test_it_does_not_believe_a_signature_of(
    browser: Browser, provider: IdentityProvider, key: Any, algorithm: str
) -> None:
    provider.signed_by, provider.algorithm = key, algorithm

    assert there_and_back(browser).status_code == 401
    assert browser.get("/account").status_code == 401


def test_it_does_not_believe_an_answer_that_this_browser_did_not_ask_for(
    browser: Browser, world: World, provider: IdentityProvider
) -> None:
    callback = to_provider(browser).raw_path.decode()
    another = Browser(app_with(world, provider.url).test_client())

    assert another.get(callback).status_code == 401
    assert browser.get(callback).status_code == 303
    assert browser.get(callback).status_code == 401


def test_a_person_who_says_no_there_is_told_calmly(browser: Browser, provider: IdentityProvider) -> None:
    provider.refuses = True

    answer = there_and_back(browser)

    assert_error_page(answer, "identity_refused", 401)


def test_a_provider_that_is_away_is_a_calm_503(world: World, provider: IdentityProvider) -> None:
    away = Browser(app_with(world, "http://127.0.0.1:1").test_client())
    impostor = Browser(app_with(world, f"{provider.url}/").test_client())

    for browser in (away, impostor):
        assert_error_page(browser.get(START), "identity_provider_unreachable", 503)
