"""The access line of each request, and what every other line of the request shares with it."""

from __future__ import annotations

import re
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import SERVICE, call, completion, component, components, gitlab_headers
from fakes.upstream import MockUpstream, Reply, ReplyUsage

# Header and the field it is logged as.
FROM_HEADERS = {
    "X-Gitlab-Language-Server-Version": "gitlab_language_server_version",
    "X-Gitlab-Instance-Id": "gitlab_instance_id",
    "X-Gitlab-Global-User-Id": "gitlab_global_user_id",
    "X-Gitlab-Host-Name": "gitlab_host_name",
    "X-Gitlab-Version": "gitlab_version",
    "X-Gitlab-Saas-Duo-Pro-Namespace-Ids": "gitlab_saas_duo_pro_namespace_ids",
    "X-Gitlab-Feature-Enabled-By-Namespace-Ids": "gitlab_feature_enabled_by_namespace_ids",
    "X-Gitlab-Realm": "gitlab_realm",
    "X-Gitlab-Root-Namespace-Id": "gitlab_root_namespace_id",
    "X-Gitlab-Feature-Enablement-Type": "gitlab_feature_enablement_type",
    "X-Gitlab-Organization-Id": "gitlab_organization_id",
}
TOLD = {
    "X-Gitlab-Language-Server-Version": "7.20.0",
    "X-Gitlab-Host-Name": "gitlab.test",
    "X-Gitlab-Version": "18.6.0",
    "X-Gitlab-Saas-Duo-Pro-Namespace-Ids": "22,33",
    "X-Gitlab-Feature-Enabled-By-Namespace-Ids": "44",
    "X-Gitlab-Root-Namespace-Id": "55",
    "X-Gitlab-Feature-Enablement-Type": "duo_pro",
    "X-Gitlab-Organization-Id": "66",
    "X-Gitlab-Is-Team-Member": "true",
    "User-Agent": "editor/1.0",
}
NUMBERS = ("duration_s", "cpu_s", "response_start_duration_s", "first_chunk_duration_s", "duration_request")
TEXTS = (
    "url",
    "path",
    "method",
    "http_version",
    "client_ip",
    "user_agent",
    "content_type",
    "correlation_id",
    "request_arrived_at",
    "message",
    "timestamp",
)


def log(
    gateway: RunningGateway,
    path: str = "/v2/completions",
    *,
    scope: str = "complete_code",
    body: object = None,
    **headers: str,
) -> dict[str, object]:
    """Send one request and give its access line."""
    request_id = uuid.uuid4().hex
    sent = {**gitlab_headers(scope), "X-Request-ID": request_id, **headers}
    call(gateway, path, body=completion() if body is None else body, headers=sent)
    return gateway.access_line(request_id)


def test_case_120_a_time_that_is_none_is_logged_as_minus_one(mocked_gateway: RunningGateway) -> None:
    assert log(mocked_gateway, **{"X-Gitlab-Rails-Send-Start": "x"})["duration_request"] == -1
    assert log(mocked_gateway)["duration_request"] == -1


def test_case_120_the_way_from_gitlab_is_logged_in_seconds(mocked_gateway: RunningGateway) -> None:
    sent_at = time.time() - 5

    took = log(mocked_gateway, **{"X-Gitlab-Rails-Send-Start": str(sent_at)})["duration_request"]

    assert isinstance(took, float)
    assert 5 <= took <= time.time() - sent_at


def test_the_access_line_is_complete(mocked_gateway: RunningGateway) -> None:
    line = log(mocked_gateway, "/v2/completions?a=1&b=%20c", **TOLD)

    assert {name: type(line[name]) for name in TEXTS} == dict.fromkeys(TEXTS, str)
    assert all(isinstance(line[name], float | int) for name in NUMBERS)
    assert (type(line["status_code"]), type(line["client_port"])) == (int, int)
    assert (line["logger"], line["level"], line["type"], line["stage"]) == ("api.access", "info", "mlops", "main")
    assert (line["status_code"], line["method"], line["http_version"]) == (200, "POST", "1.1")
    assert (line["client_ip"], line["user_agent"]) == ("127.0.0.1", "editor/1.0")
    assert line["path"] == "/v2/completions?a=1&b=%20c"
    assert line["url"] == f"{mocked_gateway.url}/v2/completions?a=1&b=%20c"
    where = f"127.0.0.1:{line['client_port']}"
    assert line["message"] == f'{where} - "POST /v2/completions?a=1&b=%20c HTTP/1.1" 200'


def test_the_times_of_the_access_line_are_in_order(mocked_gateway: RunningGateway) -> None:
    before = datetime.now(UTC)
    line = log(mocked_gateway)

    arrived = datetime.fromisoformat(str(line["request_arrived_at"]))
    written = datetime.fromisoformat(str(line["timestamp"]))
    start, first, whole = (
        float(str(line[name])) for name in ("response_start_duration_s", "first_chunk_duration_s", "duration_s")
    )
    assert arrived.utcoffset() == timedelta(0)
    assert before <= arrived <= written <= datetime.now(UTC)
    # A microsecond for what was rounded.
    assert 0 < start <= first + 1e-6 <= whole + 2e-6
    assert float(str(line["cpu_s"])) >= 0


def test_what_the_caller_tells_of_itself_is_logged(mocked_gateway: RunningGateway) -> None:
    line = log(mocked_gateway, **TOLD)

    known = {**TOLD, "X-Gitlab-Instance-Id": "1234", "X-Gitlab-Global-User-Id": "u1", "X-Gitlab-Realm": "self-managed"}
    assert {field: line[field] for field in FROM_HEADERS.values()} == {
        field: known[header] for header, field in FROM_HEADERS.items()
    }


def test_what_the_caller_does_not_tell_is_logged_as_null(closed_gateway: RunningGateway) -> None:
    request_id = uuid.uuid4().hex
    headers = {"Authorization": f"Bearer {closed_gateway.key}", "X-Request-ID": request_id}

    call(closed_gateway, "/v2/completions", body=completion(), headers=headers)

    line = closed_gateway.access_line(request_id)
    assert {field: line[field] for field in FROM_HEADERS.values()} == dict.fromkeys(FROM_HEADERS.values())


@pytest.mark.parametrize("told", [{"X-Gitlab-Is-Team-Member": "true"}, {"X-Gitlab-Is-Team-Member": "false"}, {}])
def test_the_access_line_has_a_place_for_team_members(mocked_gateway: RunningGateway, told: dict[str, str]) -> None:
    assert "is_gitlab_team_member" in log(mocked_gateway, **told)


def test_the_access_line_tells_who_asked_and_what_for(mocked_gateway: RunningGateway) -> None:
    line = log(mocked_gateway)

    assert (line["meta.feature_category"], line["meta.unit_primitive"]) == ("code_suggestions", "complete_code")
    assert line["token_issuer"] == "http://gitlab.test"
    assert isinstance(line["auth_duration_s"], float)
    assert line["gitlab_realm"] == "self-managed"


def test_the_access_line_of_a_completion_tells_about_its_model(
    connected_gateway: RunningGateway, upstream: MockUpstream
) -> None:
    upstream.always(Reply(text="answer"))

    line = log(connected_gateway, "/v2/code/completions")

    assert line["lang"] == "python"
    assert all(isinstance(line[name], str) and line[name] for name in ("model_engine", "model_name"))
    assert all(type(line[name]) is int for name in ("prompt_length", "model_output_length"))
    assert line["model_output_length"] == len("answer")
    assert isinstance(line["inference_duration_s"], float)


@pytest.mark.parametrize(("kind", "scope"), [("completion", "complete_code"), ("generation", "generate_code")])
def test_the_access_line_tells_the_kind_of_component(mocked_gateway: RunningGateway, kind: str, scope: str) -> None:
    line = log(mocked_gateway, "/v4/code/suggestions", scope=scope, body=components(component(kind)))

    assert line["code_suggestion_type"] == f"code_editor_{kind}"


def test_a_refusal_is_logged_with_its_reason(closed_gateway: RunningGateway) -> None:
    request_id = uuid.uuid4().hex

    call(closed_gateway, "/v2/completions", headers={"X-Request-ID": request_id})

    line = closed_gateway.access_line(request_id)
    assert (line["status_code"], line["level"]) == (401, "info")
    assert "No authorization header presented" in str(line["auth_error_details"])
    assert str(line["http_exception_details"]).startswith("401")


def test_a_missing_right_is_logged_with_its_text(mocked_gateway: RunningGateway) -> None:
    line = log(mocked_gateway, scope="duo_chat")

    assert line["status_code"] == 403
    assert line["http_exception_details"] == "403: Unauthorized to access code completions"


def test_what_does_not_fit_is_logged_only_where_requests_may_be(
    mocked_gateway: RunningGateway, talkative_gateway: RunningGateway
) -> None:
    silent, told = (log(gateway, body={"current_file": {}}) for gateway in (mocked_gateway, talkative_gateway))

    assert (silent["status_code"], told["status_code"]) == (422, 422)
    assert "file_name" in str(told["exception_message"])
    assert "exception_message" not in silent


def test_health_is_in_the_access_log_too(closed_gateway: RunningGateway) -> None:
    request_id = uuid.uuid4().hex

    call(closed_gateway, "/monitoring/healthz", method="GET", headers={"X-Request-ID": request_id})

    assert closed_gateway.access_line(request_id)["status_code"] == 200


def test_every_line_of_a_request_names_it_and_its_caller(talkative_gateway: RunningGateway) -> None:
    # Its line comes after those of every request before it, which may still be on their way.
    log(talkative_gateway)
    before = len(talkative_gateway.log_lines())

    access = log(talkative_gateway, **TOLD)

    lines = talkative_gateway.log_lines()[before:]
    shared = ("correlation_id", *FROM_HEADERS.values())
    assert len(lines) >= 3
    assert [[line.get(name) for name in shared] for line in lines] == [[access[name] for name in shared]] * len(lines)
    assert {line["type"] for line in lines} == {"mlops"}
    assert {line["stage"] for line in lines} == {"main"}


def test_each_model_call_is_logged_with_its_tokens(connected_gateway: RunningGateway, upstream: MockUpstream) -> None:
    upstream.always(Reply(usage=ReplyUsage(input_tokens=11, output_tokens=7)))

    request_id = log(connected_gateway)["correlation_id"]

    lines = {
        line["message"]: line for line in connected_gateway.log_lines() if line.get("correlation_id") == request_id
    }
    ended, used = lines["Request to LLM complete"], lines["LLM call finished with token usage"]
    assert isinstance(ended["duration_s"], float)
    assert isinstance(ended["source"], str)
    assert (used["input_tokens"], used["output_tokens"], used["total_tokens"]) == (11, 7, 18)
    assert re.fullmatch(r"\S+", str(used["model_provider"]))
    assert {"cache_read", "cache_creation"} <= set(used)


def test_the_caller_that_is_the_gateway_itself_is_named(mocked_gateway: RunningGateway) -> None:
    headers = gitlab_headers("complete_code", iss=SERVICE, sub="u1", gitlab_instance_id="1234")

    line = log(mocked_gateway, **headers)

    assert line["token_issuer"] == SERVICE
