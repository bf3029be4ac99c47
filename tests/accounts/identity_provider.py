import base64
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

CLIENT_ID = "operationrun"
CLIENT_SECRET = "known to both"


@dataclass
class IdentityProvider:
    """An OpenID Connect provider over HTTP, which says of people what a test wants it to say.

    `claims` are laid over those of an honest ID token; None leaves one out. `signed_by` is the key it signs
    with, which need not be the one that it shows.
    """

    url: str
    key: RSAKey
    signed_by: RSAKey | OctKey
    algorithm: str = "RS256"
    claims: dict[str, Any] = field(default_factory=dict)
    refuses: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    traded: list[dict[str, str]] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def metadata(self) -> dict[str, Any]:
        paths = {"authorization": "authorize", "token": "token"}
        return {
            "issuer": self.url,
            **{f"{name}_endpoint": f"{self.url}/{path}" for name, path in paths.items()},
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["none", "HS256", "RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Let whoever asks in, and return where their browser is sent."""
        self.asked.append(query)
        if self.refuses:
            return (
                query["redirect_uri"] + "?" + urlencode({"error": "access_denied", "state": query["state"]})
            )
        code = uuid4().hex
        self._codes[code] = query
        return query["redirect_uri"] + "?" + urlencode({"code": code, "state": query["state"]})

    def trade(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """Give the tokens of a code, once and to its client alone; None refuses."""
        self.traded.append(form)
        query = self._codes.pop(form.get("code", ""), None)
        known = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET.replace(' ', '+')}".encode()).decode()
        plain = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if query is None or authorization.removeprefix("Basic ") not in {known, plain}:
            return None
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != query["code_challenge"]:
            return None
        return {"access_token": uuid4().hex, "token_type": "Bearer", "id_token": self._id_token(query)}

    def _id_token(self, query: dict[str, str]) -> str:
        now = int(time.time())
        honest = {
            "iss": self.url,
            "sub": "1",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": query.get("nonce"),
            "email": "ada@contoso.example",
            "email_verified": True,
        }
        claims = {name: value for name, value in (honest | self.claims).items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.key.kid}
        return jwt.encode(header, claims, self.signed_by, algorithms=[self.algorithm])


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """Run a provider on a free port of this machine for as long as the block lasts."""
    key = RSAKey.generate_key(2048, auto_kid=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    provider = IdentityProvider(url=f"http://127.0.0.1:{server.server_port}", key=key, signed_by=key)
    server.provider = provider  # type: ignore[attr-defined] # the handler finds it there
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    @property
    def provider(self) -> IdentityProvider:
        found: IdentityProvider = self.server.provider  # type: ignore[attr-defined] # set by identity_provider
        return found

    def do_GET(self) -> None:  # as BaseHTTPRequestHandler calls it
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        match address.path:
            case "/.well-known/openid-configuration":
                self._answer(self.provider.metadata())
            case "/jwks":
                self._answer(dict(KeySet([self.provider.key]).as_dict(private=False)))
            case "/authorize":
                self.send_response(302)
                self.send_header("Location", self.provider.authorize(query))
                self.end_headers()
            case _:
                self.send_error(404)

    def do_POST(self) -> None:  # as BaseHTTPRequestHandler calls it
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        tokens = self.provider.trade(form, self.headers.get("Authorization", ""))
        self._answer(tokens or {"error": "invalid_grant"}, status=200 if tokens else 400)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self, body: dict[str, Any], *, status: int = 200) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
