"""When the service says that it is ready: after its models have answered once."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.gateway import RunningGateway, run_gateway, wait_for
from fakes.gitlab import call
from fakes.upstream import MockUpstream, Reply


def ready(gateway: RunningGateway) -> tuple[int, object]:
    answer = call(gateway, "/monitoring/ready", method="GET")
    return answer.status_code, answer.json()


@pytest.mark.parametrize("fault", [Reply(status=500), Reply(status=401), Reply(cut_before_head=True)])
def test_case_112_a_model_that_fails_makes_the_service_not_ready(
    tmp_path: Path, upstream: MockUpstream, upstream_settings: dict[str, str], fault: Reply
) -> None:
    upstream.always(fault)

    with run_gateway(tmp_path, upstream_settings, warm=True) as gateway:
        assert ready(gateway) == (503, {"detail": "Inference failed"})
        assert upstream.requests
        assert call(gateway, "/monitoring/healthz", method="GET").status_code == 200


def test_case_113_a_model_that_answered_is_not_asked_again(
    tmp_path: Path, upstream: MockUpstream, upstream_settings: dict[str, str]
) -> None:
    with run_gateway(tmp_path, upstream_settings, warm=True) as gateway:
        assert ready(gateway) == (200, {})
        asked = len(upstream.requests)
        upstream.always(Reply(status=500))

        assert ready(gateway) == (200, {})

    assert asked >= 1
    assert len(upstream.requests) == asked


def test_a_model_that_failed_is_asked_again(
    tmp_path: Path, upstream: MockUpstream, upstream_settings: dict[str, str]
) -> None:
    upstream.always(Reply(status=503))

    with run_gateway(tmp_path, upstream_settings, warm=True) as gateway:
        assert ready(gateway)[0] == 503
        upstream.always(Reply())

        # A failure is remembered for five seconds, so that nobody can make a call for each question.
        assert ready(gateway)[0] == 503
        assert len(upstream.requests) == 1
        wait_for(lambda: ready(gateway) == (200, {}) or None, what="the model to be asked again", within_s=15)


def test_without_a_model_the_service_is_ready_at_once(mocked_gateway: RunningGateway) -> None:
    assert ready(mocked_gateway) == (200, {})
