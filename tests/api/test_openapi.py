import json

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from models.contracts.restore_execute import RestoreExecuteInput
from models.contracts.review_compose import ReviewComposeInput
from tests.api.document_check import document
from tests.world import World
from web.api.openapi.document import methods_of, path_of
from web.api.requests import ComposeInput, RestoreInput
from web.context import services

PROGRAMS = ("/api/", "/healthz", "/readyz", "/metrics")


def test_the_document_and_the_routes_name_the_same(api_world: World) -> None:
    routes = {
        (path_of(rule), method)
        for rule in api_world.api.app.url_map.iter_rules()
        if rule.rule.startswith(PROGRAMS)
        for method in methods_of(rule)
    }
    named = {
        (path, method.upper())
        for path, operations in document(api_world.api.app)["paths"].items()
        for method in operations
    }
    assert len(named) > 20
    assert routes == named


def test_the_document_is_valid_openapi(api_world: World) -> None:
    served = api_world.api.ask("GET", "/api/v1/openapi.json").get_json()
    assert served["openapi"] == "3.1.0"
    assert served["servers"] == [{"url": "/"}]
    assert [*OpenAPIV31SpecValidator(served).iter_errors()] == []


def test_every_schema_is_one_and_every_reference_leads_somewhere(api_world: World) -> None:
    served = document(api_world.api.app)
    for name, schema in served["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert schema.get("description"), f"{name} says nothing of itself"
    text = json.dumps(served)
    for ref in {piece.split('"')[0] for piece in text.split('"$ref": "#/')[1:]}:
        found = served
        for part in ref.split("/"):
            found = found[part]


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(api_world: World) -> None:
    operations = [
        operation for each in document(api_world.api.app)["paths"].values() for operation in each.values()
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(operation["summary"].endswith(".") for operation in operations)


def test_only_what_tells_nothing_of_a_tenant_asks_for_no_token(api_world: World) -> None:
    paths = document(api_world.api.app)["paths"]
    opened = {path for path, each in paths.items() for found in each.values() if found.get("security") == []}
    assert opened == {"/healthz", "/readyz", "/metrics", "/api/v1/openapi.json", "/api/v1/docs"}


def test_the_inputs_of_operations_are_those_of_their_workflows() -> None:
    scope = {"workspace_id", "environment_id"}
    assert {*ComposeInput.model_fields} == {*ReviewComposeInput.model_fields} - scope
    assert {*RestoreInput.model_fields} == {*RestoreExecuteInput.model_fields} - scope


def test_the_limits_of_parameters_are_in_the_document(api_world: World) -> None:
    paths = document(api_world.api.app)["paths"]
    listed = {each.get("name"): each for each in paths["/api/v1/operations"]["get"]["parameters"]}
    assert listed["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert listed["status"]["schema"]["enum"] == ["queued", "running", "completed"]
    shown = {each.get("name"): each for each in paths["/api/v1/operations/{run_id}"]["get"]["parameters"]}
    assert (shown["wait"]["schema"]["minimum"], shown["wait"]["schema"]["maximum"]) == (0, 30)
    assert shown["run_id"]["schema"] == {"type": "string", "format": "uuid"}


@pytest.mark.parametrize("path", ["/api/v1/openapi.json", "/api/v1/docs"])
def test_the_reference_is_asked_for_again_by_its_tag(api_world: World, path: str) -> None:
    first = api_world.api.ask("GET", path)
    again = api_world.api.ask("GET", path, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")


def test_the_page_has_every_operation_with_a_command_line_and_asks_no_other_host(api_world: World) -> None:
    page = api_world.api.ask("GET", "/api/v1/docs")
    assert page.mimetype == "text/html"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<script>" not in page.text
    assert 'style="' not in page.text
    with api_world.api.app.app_context():
        base_url = services().public_url
    for path, operations in document(api_world.api.app)["paths"].items():
        for method, operation in operations.items():
            assert f'id="{operation["operationId"]}"' in page.text
            assert f"{method.upper()} {path}" in page.text
    assert f"{base_url}/api/v1/operations/$run_id" in page.text
