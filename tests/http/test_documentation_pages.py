"""The pages that describe the API: off unless set, and then not for everybody."""

from __future__ import annotations

import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import call

PAGES = ["/docs", "/redoc", "/openapi.json"]
BYPASS = {"Bypass-Auth": "true"}


@pytest.mark.parametrize("path", PAGES)
def test_there_are_no_pages_by_default(closed_gateway: RunningGateway, path: str) -> None:
    headers = {"Authorization": f"Bearer {closed_gateway.key}"}

    answer = call(closed_gateway, path, method="GET", headers=headers)

    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_want_a_credential(documented_gateway: RunningGateway, path: str) -> None:
    answer = call(documented_gateway, path, method="GET")

    assert (answer.status_code, answer.json()) == (401, {"error": "No authorization header presented"})


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_a_page_that_was_set_is_shown(documented_gateway: RunningGateway, path: str) -> None:
    answer = call(documented_gateway, path, method="GET", headers=BYPASS)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "/openapi.json" in answer.text


def test_the_description_names_the_endpoints(documented_gateway: RunningGateway) -> None:
    answer = call(documented_gateway, "/openapi.json", method="GET", headers=BYPASS)

    paths = answer.json()["paths"]
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert {
        "/v2/completions",
        "/v2/code/completions",
        "/v2/code/generations",
        "/v3/code/completions",
        "/v4/code/suggestions",
    } <= {path for path, operations in paths.items() if "post" in operations}
