"""What a language server really sends when it speaks to the gateway itself, replayed header by header."""

from __future__ import annotations

import gzip
import http.client
import json
from pathlib import Path

import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import PATIENCE_S, SERVICE, JsonObject, user_claims, write_token

RECORDED: dict[str, JsonObject] = {
    request["name"]: request
    for request in json.loads((Path(__file__).parent / "data" / "direct_connection.json").read_text())
}


def replay(gateway: RunningGateway, recorded: JsonObject, **headers: str) -> tuple[int, JsonObject]:
    """Send a recorded request with each header as it was, in its place; only what must change is changed."""
    body = json.dumps(recorded["body"], separators=(",", ":"), ensure_ascii=False).encode()
    host = f"127.0.0.1:{gateway.port}"
    filled = {"Content-Length": str(len(body)), "Host": host, **headers}
    connection = http.client.HTTPConnection(host, timeout=PATIENCE_S)
    try:
        connection.putrequest("POST", recorded["path"], skip_host=True, skip_accept_encoding=True)
        for name, value in recorded["headers"]:
            connection.putheader(name, filled.get(name, value))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    plain = gzip.decompress(content) if answer.getheader("content-encoding") == "gzip" else content
    parsed: JsonObject = json.loads(plain)
    return answer.status, parsed


def user_token(recorded: JsonObject) -> str:
    """Write the token that the gateway gives to the user of this request."""
    headers = dict(recorded["headers"])
    claims = user_claims(
        "complete_code",
        iss=SERVICE,
        sub=headers["X-Gitlab-Global-User-Id"],
        gitlab_realm=headers["X-Gitlab-Realm"],
        gitlab_instance_id=headers["X-Gitlab-Instance-Id"],
    )
    return f"Bearer {write_token(claims)}"


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_request_is_answered(mocked_gateway: RunningGateway, name: str) -> None:
    recorded = RECORDED[name]

    status, body = replay(mocked_gateway, recorded, Authorization=user_token(recorded))

    assert status == 200
    assert body["model"]["lang"] == "python"
    assert len(body["choices"]) >= 1
    assert all(isinstance(choice["text"], str) and choice["text"] for choice in body["choices"])


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_request_is_answered_to_the_holder_of_the_client_key(
    closed_gateway: RunningGateway, name: str
) -> None:
    status, body = replay(closed_gateway, RECORDED[name], Authorization=f"Bearer {closed_gateway.key}")

    assert (status, body["object"]) == (200, "text_completion")


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_request_of_a_stranger_is_refused(closed_gateway: RunningGateway, name: str) -> None:
    status, body = replay(closed_gateway, RECORDED[name], Authorization="Bearer gw-stranger")

    assert status == 401
    assert set(body) == {"error"}
