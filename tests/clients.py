"""Who talks to the web app: a person's browser, and a program with a workspace's tokens."""

import re
from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models.access import Role
from models.catalog import OperationType
from models.environment import Environment
from tests.api.document_check import assert_documented
from tests.page import Part, page_of

_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


class Browser:
    """A browser that fills in the forms of the pages it has seen."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=headers)

    def read(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def page(self, path: str) -> Part:
        """Read a page for its parts."""
        return page_of(self.read(path))

    def submit(self, path: str, *, page: str, **values: str) -> Any:
        """Post a form with the token that stands in `page`."""
        token = _CSRF.search(self.client.get(page).text)
        assert token is not None
        return self.client.post(path, data={"csrf_token": token[1], **values})


class Api:
    """A program that talks to the API about one environment, as any role of its workspace."""

    def __init__(self, app: Flask, tokens: Mapping[Role, str], environment: Environment) -> None:
        self.app = app
        self.tokens = tokens
        self.environment = environment

    def get(self, path: str, *, role: Role = Role.OWNER) -> TestResponse:
        return self.ask("GET", path, headers=self.bearer(role))

    def ask(self, method: str, path: str, **given: Any) -> TestResponse:
        """Ask in any way; the answer is held to the API's document."""
        return assert_documented(self.app, self.app.test_client().open(path, method=method, **given))

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        role: Role = Role.OWNER,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        return self.ask("POST", path, json=body, headers={**self.bearer(role), **(headers or {})})

    def post_bytes(self, path: str, content: bytes, content_type: str = "application/json") -> TestResponse:
        return self.ask("POST", path, data=content, content_type=content_type, headers=self.bearer())

    def bearer(self, role: Role = Role.OWNER) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    @property
    def environment_path(self) -> str:
        return f"/api/v1/environments/{self.environment.id}"

    def start_compose(self, ref: str | None = None, **given: Any) -> TestResponse:
        return self._start(OperationType.ENVIRONMENT_REVIEW_COMPOSE, {"ref": ref}, **given)

    def start_restore(self, plan_id: str) -> TestResponse:
        return self._start(OperationType.RESTORE_EXECUTE, {"restore_plan_id": plan_id})

    def make_plan(self, label: str = "before") -> str:
        """Make a plan back to the tag `before`; return its id."""
        point = self.post(f"{self.environment_path}/restore-points", {"label": label, "ref": "before"})
        body = {"restore_point_id": point.get_json()["id"], "mode": "exact"}
        return str(self.post(f"{self.environment_path}/restore-plans", body).get_json()["id"])

    def _start(self, operation_type: OperationType, given: Any, **options: Any) -> TestResponse:
        body = {"type": operation_type, "environment_id": str(self.environment.id), "input": given}
        return self.post("/api/v1/operations", body, **options)


def fields_of(response: TestResponse) -> list[str]:
    """Return the fields that a problem names."""
    assert response.mimetype == "application/problem+json"
    return [error["field"] for error in response.get_json().get("errors", [])]
