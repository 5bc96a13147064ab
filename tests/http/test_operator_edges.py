"""The edges of the operator's door: what is public stays away from it, and odd questions are refused."""

from __future__ import annotations

import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import call, key_headers


@pytest.mark.parametrize("path", ["/ai/admin", "/ai/admin/me", "/ai/admin/clients", "/ai/ai/admin/me"])
def test_what_is_published_below_the_prefix_is_never_the_operator_s_door(
    path: str, closed_gateway: RunningGateway
) -> None:
    answer = call(closed_gateway, path, method="GET", headers=key_headers(closed_gateway.key))

    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


@pytest.mark.parametrize("query", ["before_id=9223372036854775808", "actor=%00", "subject=a%00", "request_id=%00"])
def test_what_no_database_can_be_asked_is_refused(query: str, closed_gateway: RunningGateway) -> None:
    headers = key_headers(closed_gateway.key)

    answer = call(closed_gateway, f"/admin/audit?{query}", method="GET", headers=headers)

    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.json()["detail"]
