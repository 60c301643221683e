"""The document of the API is valid, says what the code does, and leaves out nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import validate

from spectraview.api.headers import EXPOSED
from spectraview.api.openapi.answer_headers import ANSWER_HEADERS
from spectraview.api.openapi.document import OPERATIONS, all_errors, make_document
from spectraview.config import Config
from spectraview.routes import ROUTES
from tests.api_client import ApiClient

DOCUMENT = make_document(ROUTES, Config())


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each operation with its method and path."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def open_path(path: str) -> str:
    """Return a route's path as OpenAPI writes it."""
    return path.replace(":.+}", "}")


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_every_route_is_described() -> None:
    missing = {(route.method, route.path) for route in ROUTES} - OPERATIONS.keys()
    assert not missing, "describe these in spectraview/api/openapi, see CONTRIBUTING.md"


def test_nothing_else_is_described() -> None:
    unknown = OPERATIONS.keys() - {(route.method, route.path) for route in ROUTES}
    assert not unknown, "there are no such routes"


def test_the_document_has_the_routes_with_their_scopes_and_tokens() -> None:
    described = {
        (method, path): [scheme for entry in operation["security"] for scheme in entry.items()]
        for method, path, operation in operations()
    }
    assert described == {
        (route.method, open_path(route.path)): schemes_of(route.scope, route.viewer_token)
        for route in ROUTES
    }


def schemes_of(scope: str | None, viewer_token: bool) -> list[tuple[str, list[str]]]:
    """Return what a route's security has to be."""
    if scope is None:
        return []
    tokens: list[tuple[str, list[str]]] = [("ViewerToken", []), ("ViewerTokenInQuery", [])]
    keys = [("ApiKey", [scope]), ("ApiKeyInQuery", [scope])]
    return keys + (tokens if viewer_token else [])


def test_every_error_is_an_answer_of_some_route() -> None:
    told = {
        code
        for _, _, operation in operations()
        for answer in operation["responses"].values()
        for content in answer.get("content", {}).values()
        for code in content.get("examples", {})
    }
    missing = {kind().code for kind in all_errors()} - told
    assert not missing, "name these errors in an Operation of spectraview/api/openapi"


def test_every_error_stands_under_its_status() -> None:
    statuses = {kind().code: str(kind.status.value) for kind in all_errors()}
    for method, path, operation in operations():
        for status, answer in operation["responses"].items():
            for code in answer.get("content", {}).get("application/json", {}).get("examples", {}):
                assert statuses[code] == status, (method, path, code)


def test_every_answer_names_the_shared_headers_that_it_always_has() -> None:
    for method, path, operation in operations():
        for status, answer in operation["responses"].items():
            headers = answer["headers"]
            assert headers["X-Request-Id"] == header("X-Request-Id"), (method, path, status)
            if operation["security"]:
                failed = int(status) >= 400
                name = "RateLimit.optional" if failed else "RateLimit"
                assert headers["RateLimit"] == header(name), (method, path, status)
            else:
                assert "RateLimit" not in headers, (method, path, status)
            if status == "429":
                assert headers["Retry-After"] == header("Retry-After"), (method, path)


def header(component: str) -> dict[str, str]:
    """Return the reference to a shared header."""
    return {"$ref": f"#/components/headers/{component}"}


def test_a_status_of_two_meanings_promises_only_the_headers_of_both() -> None:
    away = DOCUMENT["paths"]["/health"]["get"]["responses"]["503"]["headers"]
    assert away["Retry-After"] == header("Retry-After.optional")
    components = DOCUMENT["components"]["headers"]
    assert components["Retry-After"]["required"]
    assert not components["Retry-After.optional"].get("required")


def test_pages_of_other_origins_may_read_what_the_document_names() -> None:
    shown_or_used_by_browsers = {"Cache-Control", "Content-Encoding", "Upgrade"}
    assert ANSWER_HEADERS.keys() - shown_or_used_by_browsers == set(EXPOSED)


def test_every_operation_says_what_it_does() -> None:
    for method, path, operation in operations():
        assert operation["summary"].endswith("."), (method, path)
        assert operation["responses"].keys() & {"101", "200", "201"}, (method, path)


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))


def examples() -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Yield each example with its place and its schema."""
    for method, path, operation in operations():
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for body in bodies:
            for content in body.get("content", {}).values():
                if "example" in content:
                    yield f"{method} {path}", content["schema"], content["example"]
    error = {"$ref": "#/components/schemas/Error"}
    for code, example in DOCUMENT["components"]["examples"].items():
        yield code, error, example["value"]


@pytest.mark.parametrize(("place", "schema", "example"), list(examples()))
def test_examples_conform_to_their_schemas(
    place: str, schema: dict[str, Any], example: Any
) -> None:
    whole = {"components": DOCUMENT["components"], **schema}
    Draft202012Validator(whole).validate(example)


async def test_the_document_is_served_without_a_key_and_compressed(api: ApiClient) -> None:
    answer = await api.request("GET", "/api/openapi.json", key=None)
    assert answer.status == 200
    assert answer.json == DOCUMENT
    assert answer.headers["Content-Encoding"] == "gzip"
    again = await api.request(
        "GET", "/api/openapi.json", key=None, headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert (again.status, again.json) == (304, b"")


async def test_the_document_has_the_limits_of_the_settings(make_api: Any) -> None:
    api = await make_api(max_list=77)
    document = (await api.request("GET", "/api/openapi.json", key=None)).json
    parameters = document["paths"]["/api/sessions"]["get"]["parameters"]
    (limit,) = (one for one in parameters if one["name"] == "limit")
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 77}
