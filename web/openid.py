from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import FlaskOAuth2App, OAuth
from flask import Flask
from joserfc.errors import JoseError
from requests import RequestException
from werkzeug.wrappers import Response

from models.errors import IdentityProviderUnreachable, IdentityRefused
from services.access.openid_subjects import IdentityClaim

NAME: Final = "openid"
ANSWERS_WITHIN: Final = timedelta(seconds=10)

_DISCOVERY: Final = "/.well-known/openid-configuration"
_LEEWAY: Final = timedelta(seconds=60)  # two clocks are never the same
# Signatures that only the provider can make: no shared secrets, no unsigned tokens.
_ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)


@dataclass(frozen=True, kw_only=True)
class OpenIdProvider:
    """An OpenID Connect provider, and the client that this installation is to it."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    label: str

    def register(self, app: Flask) -> FlaskOAuth2App:
        """Return the app's client; it asks the provider nothing before the first sign-in."""
        return OAuth(app).register(
            NAME,
            client_id=self.client_id,
            client_secret=self.client_secret,
            server_metadata_url=self.issuer.rstrip("/") + _DISCOVERY,
            client_kwargs={
                "scope": "openid email",
                "code_challenge_method": "S256",
                "default_timeout": ANSWERS_WITHIN.total_seconds(),
            },
        )


class OpenIdSignIn:
    """The authorization code flow with PKCE, state and nonce; it ends with an identity claim."""

    def __init__(self, provider: OpenIdProvider, client: FlaskOAuth2App) -> None:
        self._provider = provider
        self._client = client

    def start(self, redirect_uri: str) -> Response:
        """Send the browser to the provider; raise IdentityProviderUnreachable where it does not answer."""
        try:
            self._load_metadata()
            found: Response = self._client.authorize_redirect(redirect_uri)
        except (RequestException, RuntimeError, ValueError) as error:
            raise IdentityProviderUnreachable from error
        return found

    def finish(self) -> IdentityClaim:
        """Return the identity claim in the provider's callback, which is the present request.

        Raises IdentityRefused for an answer that cannot be trusted, and IdentityProviderUnreachable.
        """
        try:
            self._load_metadata()
            token = self._client.authorize_access_token(
                claims_options={
                    "iss": {"essential": True, "value": self._provider.issuer},
                    "aud": {"essential": True, "value": self._provider.client_id},
                },
                leeway=int(_LEEWAY.total_seconds()),
            )
        except RequestException as error:
            raise IdentityProviderUnreachable from error
        except (OAuthError, JoseError, KeyError, ValueError, RuntimeError) as error:
            raise IdentityRefused from error
        return self._claim_of(token.get("userinfo") or {})

    def _claim_of(self, claims: Mapping[str, Any]) -> IdentityClaim:
        subject, email = claims.get("sub"), claims.get("email")
        if not isinstance(subject, str):
            raise IdentityRefused
        # Some providers write it as a string.
        is_verified = isinstance(email, str) and claims.get("email_verified") in (True, "true")
        return IdentityClaim(
            issuer=self._provider.issuer, subject=subject, email=email if is_verified else None
        )

    def _load_metadata(self) -> None:
        """Load the provider's metadata, once; raise RuntimeError where its issuer is another."""
        metadata = self._client.load_server_metadata()
        if metadata.get("issuer") != self._provider.issuer:
            raise RuntimeError("The provider says that it is another one.")
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        metadata["id_token_signing_alg_values_supported"] = [each for each in offered if each in _ALGORITHMS]
