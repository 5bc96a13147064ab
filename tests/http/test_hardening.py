"""What a stranger, a full disk or an old client may try, seen from outside."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.gateway import COMMAND, RunningGateway, clean_environment, run_gateway, run_to_end
from fakes.gitlab import call, completion, component, components, gitlab_headers
from fakes.raw_client import connected, post, render_post
from fakes.suggestions import v2_body

StartGateway = Callable[..., RunningGateway]

OPEN = {"AIGW_AUTH__BYPASS_EXTERNAL": "true"}


@pytest.fixture
def gateway(start_gateway: StartGateway) -> RunningGateway:
    """Give a gateway that lets everybody in and makes its answers up."""
    return start_gateway(**OPEN)


def test_a_log_that_cannot_be_written_breaks_no_request(tmp_path: Path) -> None:
    with run_gateway(tmp_path, {**OPEN, "AIGW_LOGGING__TO_FILE": "/dev/full"}) as running:
        for _ in range(3):
            answer = post(running.port, "/v2/code/completions", json.dumps(v2_body()).encode(), headers={})
            assert answer.status == 200


def test_a_stream_for_http_1_0_comes_whole_and_without_chunks(gateway: RunningGateway) -> None:
    body = json.dumps({**v2_body(), "stream": True}).encode()
    request = render_post("/v2/code/completions", body, headers={}).replace(b"HTTP/1.1", b"HTTP/1.0", 1)

    with connected(gateway.port) as line:
        line.send(request)
        answer = line.answer()

    assert answer.status == 200
    assert "transfer-encoding" not in answer.headers
    assert answer.body == b"mock"


def test_a_refusal_of_a_client_that_waits_for_leave_ends_the_connection(start_gateway: StartGateway) -> None:
    with connected(start_gateway().port) as line:
        line.send(
            b"POST /v2/completions HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"
            b"content-type: application/json\r\ncontent-length: 5\r\n\r\n"
        )
        answer = line.answer()

    assert (answer.status, answer.headers["connection"]) == (401, "close")


def test_an_endless_version_is_no_version(gateway: RunningGateway) -> None:
    for version in ("9" * 5_000, "7.17.1.dev" + "9" * 5_000):
        headers = {"X-Gitlab-Language-Server-Version": version}
        body = components(component("completion"))

        assert call(gateway, "/v3/code/completions", body=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("member", "length"), [("model_endpoint", 256), ("model_api_key", 2_001), ("model_identifier", 1_001)]
)
def test_what_describes_a_model_has_a_length(gateway: RunningGateway, member: str, length: int) -> None:
    answer = call(gateway, "/v2/completions", body={**completion(), member: "x" * length}, headers={})

    assert answer.status_code == 422
    assert member in answer.headers["x-gateway-error"]


@pytest.mark.parametrize("path", ["/monitoring/healthz", "/monitoring/ready", "/v1/models/definitions", "/metrics"])
def test_the_open_paths_take_no_bodies_of_strangers(start_gateway: StartGateway, path: str) -> None:
    assert post(start_gateway().port, path, b"x" * 100, headers={}).status == 401


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_right_after_the_banner_is_not_lost(tmp_path: Path, workers: str) -> None:
    environment = clean_environment(tmp_path, {"WEB_CONCURRENCY": workers})
    with subprocess.Popen(
        [COMMAND, "serve"], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("    -d "):
                break
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"AIGW_FASTAPI__UVICORN_LOGGER": '{"version": 7}'}, "AIGW_FASTAPI__UVICORN_LOGGER"),
        ({"AIGW_FASTAPI__DOCS_URL": "/docs"}, "AIGW_FASTAPI__OPENAPI_URL"),
        ({"AIGW_FASTAPI__OPENAPI_URL": "/monitoring/healthz"}, "AIGW_FASTAPI__OPENAPI_URL"),
        ({"AIGW_FASTAPI__OPENAPI_URL": "/x", "AIGW_FASTAPI__DOCS_URL": "/x"}, "AIGW_FASTAPI__DOCS_URL"),
        ({"OPENAI_API_KEY": "sk-1\n2"}, "OPENAI_API_KEY"),
        ({"AIGW_MODEL_SELECTION__DEFAULT_MODELS": '{"code_sugestions": ["a/b"]}'}, "'code_suggestions'?"),
    ],
)
def test_a_setting_that_cannot_work_is_named_before_anything_is_promised(
    tmp_path: Path, settings: dict[str, str], named: str
) -> None:
    ended = run_to_end(tmp_path, settings)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("ai-gateway: ")
    assert ended.stderr.count("\n") == 1
    assert named in ended.stderr


def test_what_an_earlier_run_counted_is_not_counted_again(tmp_path: Path) -> None:
    shared = tmp_path / "metrics"
    settings = {**OPEN, "PROMETHEUS_MULTIPROC_DIR": str(shared)}
    counted = []
    for run in ("first", "second"):
        with run_gateway(tmp_path / run, settings) as running:
            assert call(running, "/v2/completions", body=completion(), headers={}).status_code == 200
            samples = running.metrics()
            counted.append(sum(value for name, value in samples.items() if name.startswith("model_inferences_total")))

    assert counted == [1, 1]


def test_a_key_file_that_others_could_read_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "data" / "admin-key"
    file.parent.mkdir()
    file.write_text("gw-" + "a" * 40)
    file.chmod(0o644)

    with run_gateway(tmp_path, {}) as running:
        assert file.stat().st_mode & 0o777 == 0o600
        assert "key_file_was_open" in running.log_text()


def test_a_head_that_is_refused_leaves_a_line(start_gateway: StartGateway) -> None:
    gateway = start_gateway(AIGW_LIMITS__MAX_HEADER_BYTES="8192", AIGW_LIMITS__HEADER_TIMEOUT="0.5")
    with connected(gateway.port) as line:
        line.send(b"GET / HTTP/1.1\r\nx: " + b"x" * 9_000 + b"\r\n\r\n")
        assert line.status() == 431

    assert any(one["message"] == "head_refused" and one["status_code"] == 431 for one in gateway.log_lines())


def test_settings_of_the_other_service_are_reported_too(tmp_path: Path) -> None:
    with run_gateway(tmp_path, {"ENABLE_DUO_WORKFLOW_SERVICE": "true", "DEBUG": "1"}) as running:
        idle = [one["setting"] for one in running.log_lines() if one["message"] == "setting_without_effect"]

    assert idle == ["ENABLE_DUO_WORKFLOW_SERVICE"]


def test_tokens_of_the_bypass_are_still_told_apart(start_gateway: StartGateway) -> None:
    gateway = start_gateway(AIGW_AUTH__BYPASS_JWT_SIGNATURE="true")

    assert (
        call(gateway, "/v2/completions", body=completion(), headers=gitlab_headers("complete_code")).status_code == 200
    )
    assert call(gateway, "/v2/completions", body=completion(), headers=gitlab_headers("duo_chat")).status_code == 403
