"""Requests that are made of the API's own document, good ones and bad ones, against the running system."""

import os
from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from runtime.container import build_web_app
from runtime.settings import Settings
from tests.factories import STRONG_KEY
from tests.figures import figures_of
from tests.system import System
from web.api.openapi.document import document_of

EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "25"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    ignored_auth,
    missing_required_header,
    unsupported_method,
]


@pytest.fixture(scope="session")
def things(system: System) -> dict[str, str]:
    """One of each kind of thing, so that requests also reach what is there."""
    repository = system.repository({"policy.json": "{}", "other.json": "[]"})
    environment = system.environment(repository.url)
    plan = system.plan(environment, "main")
    run = system.settled(system.compose(environment))
    return {
        "environment_id": environment["id"],
        "plan_id": plan["id"],
        "run_id": run["id"],
        "review_id": run["links"]["related"]["id"],
        "restore_point_id": plan["restore_point_id"],
    }


@pytest.fixture(scope="session")
def schema(system: System) -> Any:
    return schemathesis.openapi.from_url(f"{system.ready['web_url']}/api/v1/openapi.json")


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> Counter[str]:
    """How many requests were made, and how they were answered."""
    return figures_of(request.config).of("requests made of the API's document")


def operations() -> list[tuple[str, str]]:
    """Return every operation of the document; nothing is connected to for it."""
    app = build_web_app(
        Settings(database_url="postgresql://", temporal_address="nowhere:1", secret_key=STRONG_KEY)
    )
    return [(method, path) for path, each in document_of(app)["paths"].items() for method in each]


@pytest.mark.parametrize(("method", "path"), operations())
def test_it_answers_as_its_document_says(
    schema: Any, system: System, things: dict[str, str], figures: Counter[str], method: str, path: str
) -> None:
    operation = schema[path][method.upper()]
    modes = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]
    headers = {"Authorization": f"Bearer {system.ready['api_token']}"}

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(modes), is_there=st.integers(0, 3))
    def answers(case: "Case[Any]", is_there: int) -> None:
        if is_there:
            _name_what_is_there(case, things)
        response = case.call_and_validate(headers=headers, checks=CHECKS, timeout=30)
        figures.update(("requests", f"answered {response.status_code}"))

    before = figures["requests"]
    answers()
    assert figures["requests"] > before
    figures["operations"] += 1


def _name_what_is_there(case: "Case[Any]", things: dict[str, str]) -> None:
    """Put ids that exist into a request, so that it gets as far as what it asks for."""
    parameters: dict[str, Any] = case.path_parameters or {}
    parameters.update({name: things[name] for name in parameters if name in things})
    if isinstance(case.body, dict):
        case.body.update({name: things[name] for name in case.body if name in things})
