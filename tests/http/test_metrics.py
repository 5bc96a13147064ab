"""What the metrics port counts, over one worker and over several."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict

from fakes.gateway import RunningGateway, run_gateway, wait_for
from fakes.gitlab import call, completion, component, components, generation, gitlab_headers, streaming
from fakes.upstream import MockUpstream, Reply, ReplyUsage

DETAIL = {
    "model_engine",
    "model_name",
    "error",
    "streaming",
    "feature_category",
    "lsp_version",
    "gitlab_version",
    "client_type",
    "gitlab_realm",
    "is_gitlab_team_member",
    "error_type",
    "unit_primitive",
    "finish_reason",
}
IN_FLIGHT = "model_inferences_in_flight"
FROM_EDITOR = {
    "X-Gitlab-Language-Server-Version": "7.20.0",
    "X-Gitlab-Version": "18.6.0",
    "X-Gitlab-Client-Type": "vscode",
    "X-Gitlab-Is-Team-Member": "true",
}


def name_of(sample: str) -> str:
    return sample.partition("{")[0]


def labels_of(sample: str) -> dict[str, str]:
    return dict(re.findall(r'(\w+)="([^"]*)"', sample))


def total(samples: Mapping[str, float], name: str, **labels: str) -> float:
    """Add up the samples of this name that have these labels."""
    return sum(
        value
        for sample, value in samples.items()
        if name_of(sample) == name and labels.items() <= labels_of(sample).items()
    )


@contextmanager
def counting(gateway: RunningGateway) -> Iterator[Callable[[], dict[str, float]]]:
    """Give a way to tell what was counted since the block was entered."""
    before = gateway.metrics()

    def counted() -> dict[str, float]:
        now = gateway.metrics()
        return {name: value - before.get(name, 0) for name, value in now.items() if value != before.get(name, 0)}

    yield counted


def wait_until_idle(gateway: RunningGateway) -> None:
    def idle() -> bool | None:
        return True if total(gateway.metrics(), IN_FLIGHT) == 0 else None

    wait_for(idle, what="every model call to end")


def complete(gateway: RunningGateway, **headers: str) -> int:
    sent = {**gitlab_headers("complete_code"), **headers}
    return call(gateway, "/v2/code/completions", body=completion(), headers=sent).status_code


def test_case_114_a_completion_is_counted(mocked_gateway: RunningGateway) -> None:
    with counting(mocked_gateway) as counted:
        assert complete(mocked_gateway) == 200
        samples = counted()

    handled = 'http_request_duration_seconds_count{handler="/v2/code/completions",method="POST",status="2xx"}'
    gauges = [value for name, value in mocked_gateway.metrics().items() if name_of(name) == IN_FLIGHT]
    assert samples[handled] == 1
    assert total(samples, "model_inferences_total", error="no") == 1
    assert total(samples, "model_inferences_total", error="yes") == 0
    assert gauges
    assert set(gauges) == {0}


def test_an_inference_is_counted_with_all_its_labels(connected_gateway: RunningGateway, upstream: MockUpstream) -> None:
    upstream.always(Reply(finish_reason="stop"))

    with counting(connected_gateway) as counted:
        assert complete(connected_gateway, **FROM_EDITOR) == 200
        (found,) = [labels_of(name) for name in counted() if name_of(name) == "model_inferences_total"]

    assert set(found) == DETAIL
    assert (found["error"], found["error_type"], found["streaming"], found["finish_reason"]) == (
        "no",
        "none",
        "no",
        "stop",
    )
    assert (found["feature_category"], found["unit_primitive"]) == ("code_suggestions", "complete_code")
    assert (found["lsp_version"], found["gitlab_version"], found["client_type"]) == ("7.20.0", "18.6.0", "vscode")
    assert (found["gitlab_realm"], found["is_gitlab_team_member"]) == ("self-managed", "yes")
    assert found["model_engine"] not in {"", "unknown"}
    assert found["model_name"] not in {"", "unknown"}


def test_what_the_caller_does_not_tell_is_counted_as_unknown(connected_gateway: RunningGateway) -> None:
    with counting(connected_gateway) as counted:
        assert complete(connected_gateway) == 200
        (found,) = [labels_of(name) for name in counted() if name_of(name) == "model_inferences_total"]

    names = ("lsp_version", "gitlab_version", "client_type", "is_gitlab_team_member")
    assert [found[name] for name in names] == ["unknown"] * 4


@pytest.mark.parametrize(("status", "kind"), [(503, "service_unavailable"), (403, "permission_error"), (500, "other")])
def test_a_failed_inference_is_counted_with_its_kind(
    connected_gateway: RunningGateway, upstream: MockUpstream, status: int, kind: str
) -> None:
    upstream.always(Reply(status=status))

    with counting(connected_gateway) as counted:
        assert complete(connected_gateway) == 503
        samples = counted()

    assert total(samples, "model_inferences_total", error="yes", error_type=kind) == 1
    assert total(samples, "model_inferences_total") == 1
    assert total(samples, "http_request_duration_seconds_count", handler="/v2/code/completions", status="5xx") == 1


def test_the_duration_of_an_inference_is_observed(connected_gateway: RunningGateway) -> None:
    with counting(connected_gateway) as counted:
        complete(connected_gateway)
        samples = counted()

    buckets = [
        labels_of(name)["le"] for name in samples if name_of(name) == "inference_request_duration_seconds_bucket"
    ]
    assert total(samples, "inference_request_duration_seconds_count") == 1
    assert {"0.5", "1.0", "2.5", "5.0", "10.0", "30.0", "60.0", "+Inf"} == set(buckets)


@pytest.mark.parametrize("stream", [False, True])
def test_the_tokens_of_an_inference_are_counted(
    connected_gateway: RunningGateway, upstream: MockUpstream, *, stream: bool
) -> None:
    upstream.always(Reply(usage=ReplyUsage(input_tokens=11, output_tokens=7)))

    with counting(connected_gateway) as counted:
        headers = gitlab_headers("complete_code")
        call(connected_gateway, "/v2/code/completions", body=completion(stream=stream), headers=headers)
        wait_until_idle(connected_gateway)
        samples = counted()

    streaming = "yes" if stream else "no"
    names = ("inference_input_tokens_total", "inference_output_tokens_total", "inference_total_tokens_total")
    assert [total(samples, name, streaming=streaming) for name in names] == [11, 7, 18]


def test_the_language_of_a_prompt_is_counted(mocked_gateway: RunningGateway) -> None:
    with counting(mocked_gateway) as counted:
        complete(mocked_gateway)
        samples = counted()

    assert total(samples, "code_suggestions_prompt_language_total", lang="python", extension="py") == 1


def test_paths_that_nobody_serves_and_health_are_not_counted(mocked_gateway: RunningGateway) -> None:
    call(mocked_gateway, "/v1/never-heard-of", method="GET", headers=gitlab_headers())
    call(mocked_gateway, "/monitoring/ready", method="GET")

    handlers = {labels_of(name).get("handler", "") for name in mocked_gateway.metrics()}

    assert not [handler for handler in handlers if "never-heard-of" in handler or "monitoring" in handler]


@pytest.mark.parametrize(
    ("path", "scope", "body"),
    [
        ("/v2/code/generations", "generate_code", generation()),
        ("/v3/code/completions", "complete_code", components(component("completion"))),
        ("/v4/code/suggestions", "complete_code", components(component("completion", stream=True))),
    ],
)
def test_each_endpoint_is_counted_under_its_own_name(
    mocked_gateway: RunningGateway, path: str, scope: str, body: dict[str, object]
) -> None:
    with counting(mocked_gateway) as counted:
        call(mocked_gateway, path, body=body, headers=gitlab_headers(scope))
        samples = counted()

    assert total(samples, "http_request_duration_seconds_count", handler=path, method="POST", status="2xx") == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/code/completions", completion(stream=True)),
        ("/v4/code/suggestions", components(component("completion", stream=True))),
    ],
)
def test_case_115_a_client_that_leaves_mid_stream_leaves_nothing_behind(
    connected_gateway: RunningGateway, upstream: MockUpstream, path: str, body: dict[str, object]
) -> None:
    upstream.always(Reply(chunks=("first line\n", "second line\n"), hold_after=1))

    with streaming(connected_gateway, path, body=body, headers=gitlab_headers("complete_code")) as answer:
        read, parts = b"", answer.iter_raw()
        while b"first line" not in read:
            read += next(parts)
        assert total(connected_gateway.metrics(), IN_FLIGHT) == 1

    wait_until_idle(connected_gateway)
    upstream.wait_until(lambda: upstream.requests[0].aborted)


def inferences_by_worker(folder: Path) -> dict[str, float]:
    """Read what each worker counted by itself: each has a file of its own, named after its process."""
    counted = {}
    for path in folder.glob("counter_*.db"):
        # The library gives this function no types.
        whole = MmapedDict.read_all_values_from_file(str(path))  # type: ignore[no-untyped-call]
        samples = [(key, value) for key, value, *_ in whole]
        counted[path.stem] = sum(value for key, value in samples if '"model_inferences_total"' in key)
    return {name: value for name, value in counted.items() if value}


def both_serve(gateway: RunningGateway) -> bool:
    """Tell whether two workers have started."""
    return [line["message"] for line in gateway.log_lines()].count("Application startup complete.") == 2


def test_case_116_the_counters_of_all_workers_add_up(tmp_path: Path) -> None:
    shared = tmp_path / "metrics"
    shared.mkdir()
    settings = {
        "AIGW_MOCK_MODEL_RESPONSES": "true",
        "AIGW_AUTH__BYPASS_JWT_SIGNATURE": "true",
        "WEB_CONCURRENCY": "2",
        "PROMETHEUS_MULTIPROC_DIR": str(shared),
    }
    sent = 0
    with run_gateway(tmp_path / "gateway", settings) as gateway, ThreadPoolExecutor(8) as callers:
        # The first worker answers while the second may still be starting.
        wait_for(lambda: both_serve(gateway) or None, what="the second worker")
        for _ in range(20):
            statuses = list(callers.map(lambda _: complete(gateway), range(16)))
            sent += len(statuses)
            assert set(statuses) == {200}
            if len(inferences_by_worker(shared)) == 2:
                break

        samples = gateway.metrics()
        assert len(inferences_by_worker(shared)) == 2
        assert total(samples, "model_inferences_total", error="no") == sent
        assert total(samples, "http_request_duration_seconds_count", handler="/v2/code/completions") == sent
        assert total(samples, IN_FLIGHT) == 0
