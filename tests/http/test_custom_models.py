"""A model that a GitLab brings along: who may, where it may be, and that nobody else's key or answer leads there."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import own_claims, own_keys, own_token, signed_headers, token_headers, trust_in
from fakes.issuer import Issuer
from fakes.raw_client import Answer, post
from fakes.suggestions import SELF_HOSTED, WAYS, Brought, Way, failure_line, new_id, open_door, request_in, text_in
from fakes.upstream import MockUpstream, Reply

StartGateway = Callable[..., RunningGateway]

CUSTOM = {"AIGW_CUSTOM_MODELS__ENABLED": "true"}
LIST = "AIGW_CUSTOM_MODELS__ALLOWED_HOSTS"


def bring(
    gateway: RunningGateway, endpoint: str, *, way: Way = "v2 whole", headers: dict[str, str] | None = None
) -> Answer:
    """Ask for a model at this endpoint; without headers by the key of the first admin."""
    path, body = request_in(way, Brought(endpoint, "k-0123456789"))
    known = headers if headers is not None else {"authorization": f"Bearer {gateway.key}"}
    return post(gateway.port, path, body, headers=known)


@pytest.mark.parametrize("way", WAYS)
def test_a_model_at_a_listed_host_answers(way: Way, start_gateway: StartGateway, upstream: MockUpstream) -> None:
    listed = {LIST: f"models.example, 127.0.0.1:{upstream.port}"}

    answer = open_door(start_gateway, SELF_HOSTED, way=way, upstream=upstream.url, **listed).ask()

    assert text_in(way, answer) == "return a + b"
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "2130706433:{port}", "[::1]:{port}"])
def test_a_model_at_any_other_host_is_refused_in_words_and_nobody_is_called(
    way: Way, host: str, *, start_gateway: StartGateway, upstream: MockUpstream
) -> None:
    gateway = start_gateway(**CUSTOM, **{LIST: "models.example, *.models.example, 127.0.0.1:9"})
    before = upstream.connections_made

    answer = bring(gateway, f"http://{host.format(port=upstream.port)}/v1", way=way)

    assert answer.status == 422
    assert answer.json["detail"].startswith("model_endpoint: the host ")
    assert answer.json["detail"].endswith(f"its operator can add it to {LIST}.")
    assert upstream.connections_made == before


def test_gitlab_itself_may_bring_a_model_and_a_user_of_it_may_not(
    start_gateway: StartGateway, issuer: Issuer, upstream: MockUpstream
) -> None:
    gateway = start_gateway(**CUSTOM, **trust_in(issuer), **own_keys())
    endpoint = f"{upstream.url}/v1"

    by_gitlab = bring(gateway, endpoint, headers=signed_headers(issuer, "complete_code"))
    calls = len(upstream.requests)
    by_user = bring(gateway, endpoint, headers=token_headers(own_token(own_claims("complete_code"))))
    by_nobody = bring(gateway, endpoint, headers={})

    assert (by_gitlab.status, calls) == (200, 1)
    assert (by_user.status, by_user.json) == (403, {"detail": "Unauthorized to bring a model"})
    assert by_nobody.status == 401
    assert len(upstream.requests) == calls


LINK_LOCAL = ("169.254.169.254", "[fe80::1]", "metadata.google.internal", "[fd00:ec2::254]")
DISGUISED = ("2852039166", "0xa9fea9fe", "169.254.43518", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]")
NEVER = [*((host, "") for host in (*LINK_LOCAL, *DISGUISED)), *((host, ",".join(LINK_LOCAL)) for host in LINK_LOCAL)]


@pytest.mark.parametrize(("host", "listed"), NEVER)
def test_what_hands_out_a_machines_secrets_is_never_called_even_where_it_is_listed(
    host: str, listed: str, *, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(**CUSTOM, **{LIST: listed})
    request_id = new_id()
    headers = {"authorization": f"Bearer {gateway.key}", "x-request-id": request_id}
    began = time.monotonic()

    answer = bring(gateway, f"http://{host}/latest", headers=headers)

    # No connection was tried: it would be waited for.
    assert time.monotonic() - began < 2.0
    assert (answer.status, answer.json) == (503, {"detail": "Inference failed"})
    assert "link-local address or a cloud's metadata service" in str(failure_line(gateway, request_id))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_listed_host_leads_nowhere_else(status: int, start_gateway: StartGateway, upstream: MockUpstream) -> None:
    gateway = start_gateway(**CUSTOM, **{LIST: f"127.0.0.1:{upstream.port}"})
    with MockUpstream() as elsewhere:
        upstream.always(Reply(status=status, body=b"", headers={"location": f"{elsewhere.url}/v1/completions"}))

        answer = bring(gateway, f"{upstream.url}/v1")

        assert answer.status == 503
        assert elsewhere.connections_made == 0
