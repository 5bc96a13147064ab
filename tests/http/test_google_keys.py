"""Google's REST callers put their key into the address: it opens Google's paths, and is written down nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from fakes.gateway import RunningGateway, run_gateway
from fakes.gitlab import call
from fakes.raw_client import connected
from fakes.suggestions import new_id
from fakes.upstream import MockUpstream

StartGateway = Callable[..., RunningGateway]

GENERATE = "/v1beta/models/gemini-2.5-flash:generateContent"
STREAM = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
GOOGLE_KEY = "AIzaSyOfTheOperator0123456789abcdefghij"
# Nothing about it looks like a key, so that no pattern of the log's own redactor hides it.
STRANGE = "plain words of a caller"
FILE = """
providers:
  google:
    base_url: {url}
    allow_private: true
    keys: [{{file: google.keys}}]
models:
  gemini-2.5-flash: {{provider: google, upstream: gemini-2.5-flash}}
"""


@pytest.fixture
def gateway(start_gateway: StartGateway) -> RunningGateway:
    return start_gateway(AIGW_MOCK_MODEL_RESPONSES="true")


def ask(
    gateway: RunningGateway, path: str, *, method: str = "POST", headers: Mapping[str, str] | None = None
) -> tuple[httpx.Response, dict[str, object]]:
    """Ask and give the answer with the access line that tells of it."""
    request_id = new_id()
    body = CONTENTS if method == "POST" else None
    answer = call(gateway, path, method=method, body=body, headers={**(headers or {}), "x-request-id": request_id})
    return answer, gateway.access_line(request_id)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", GENERATE),
        ("POST", f"{STREAM}?alt=sse"),
        ("POST", "/v1/models/gemini-2.5-flash:generateContent"),
        ("POST", f"/ai{GENERATE}"),
        ("POST", "/v1beta/models/gemini-2.5-flash:countTokens"),
        ("GET", "/v1beta/models"),
        ("GET", "/v1beta/models/scripted"),
    ],
)
def test_a_key_in_the_address_opens_googles_paths_and_is_written_down_nowhere(
    gateway: RunningGateway, method: str, path: str
) -> None:
    mark = "&" if "?" in path else "?"

    answer, line = ask(gateway, f"{path}{mark}key={gateway.key}", method=method)

    assert answer.status_code == 200, answer.text
    assert str(line["path"]) == path
    assert str(line["url"]).endswith(path)
    assert f'{method} {path} HTTP/1.1" 200' in str(line["message"])
    assert gateway.key[:14] not in gateway.log_text()


def test_a_key_in_the_address_counts_each_time_that_the_same_is_said(gateway: RunningGateway) -> None:
    head = f"POST {GENERATE}?key={gateway.key} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    body = json.dumps(CONTENTS).encode()
    with connected(gateway.port) as connection:
        for _ in range(3):
            connection.send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            assert connection.answer().status == 200
        other = head.replace(gateway.key, "another-key-0123456789")
        connection.send(f"{other}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert connection.answer().status == 401

    assert gateway.key[:14] not in gateway.log_text()
    assert "another-key" not in gateway.log_text()


@pytest.mark.parametrize("name", ["key", "%6bey", "k%65y"])
def test_a_key_that_does_not_hold_is_refused_in_googles_form_and_not_written_down_either(
    gateway: RunningGateway, name: str
) -> None:
    answer, line = ask(gateway, f"{GENERATE}?{name}={STRANGE.replace(' ', '+')}")

    assert answer.status_code == 401
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"
    assert line["path"] == GENERATE
    for form in (STRANGE, STRANGE.replace(" ", "+"), "words"):
        assert form not in answer.text
        assert form not in gateway.log_text()


@pytest.mark.parametrize("path", ["/v1/models", "/v1/chat/completions", "/v1/messages", "/v2/completions", "/admin/me"])
def test_no_other_path_takes_a_key_in_the_address(gateway: RunningGateway, path: str) -> None:
    method = "GET" if path in {"/v1/models", "/admin/me"} else "POST"

    answer, _ = ask(gateway, f"{path}?key={gateway.key}", method=method)

    assert answer.status_code == 401
    assert gateway.key[:14] not in gateway.log_text()


@pytest.mark.parametrize("name", ["x-goog-api-key", "x-api-key", "authorization"])
def test_a_header_wins_and_a_second_key_is_refused(gateway: RunningGateway, name: str) -> None:
    said = f"Bearer {gateway.key}" if name == "authorization" else gateway.key
    other = gateway.add_client(f"google-{name}")

    same, _ = ask(gateway, f"{GENERATE}?key={gateway.key}", headers={name: said})
    different, _ = ask(gateway, f"{GENERATE}?key={other}", headers={name: said})

    assert (same.status_code, different.status_code) == (200, 401)
    assert other[:14] not in gateway.log_text()


def test_metrics_tell_no_key(gateway: RunningGateway) -> None:
    ask(gateway, f"{GENERATE}?key={gateway.key}")
    ask(gateway, f"/v1beta/models/nothing?key={gateway.key}", method="GET")

    assert not [name for name in gateway.metrics() if "key=" in name or gateway.key[:14] in name]


@pytest.fixture
def google(tmp_path: Path, upstream: MockUpstream) -> Iterator[RunningGateway]:
    """Run a gateway whose Google is the upstream."""
    (tmp_path / "google.keys").write_text(f"{GOOGLE_KEY}\n")
    path = tmp_path / "gateway.yaml"
    path.write_text(FILE.format(url=upstream.url))
    with run_gateway(tmp_path / "run", {"AIGW_CONFIG_FILE": str(path)}) as running:
        yield running


def test_google_itself_gets_the_operators_key_and_nothing_of_the_callers(
    google: RunningGateway, upstream: MockUpstream
) -> None:
    ask(google, f"{GENERATE}?key={google.key}")
    ask(google, f"{STREAM}?alt=sse&key={google.key}")

    assert len(upstream.requests) == 2
    for seen in upstream.requests:
        sent = json.dumps([seen.path, seen.query, seen.headers]) + seen.body.decode()
        assert google.key[:14] not in sent
        assert "key=" not in sent
        assert seen.header("x-goog-api-key") == GOOGLE_KEY
