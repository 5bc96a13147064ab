from __future__ import annotations

import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, Counter

from gateway_core.kernel.errors import SettingInvalid
from gateway_core.telemetry.exposition import serve_metrics

SRC = Path(__file__).parents[4] / "src"
MODEL = '{model_engine="acme",model_name="m1"}'

# A worker counts, says that it did, and stays until its input ends.
WORKER = """
import sys
from gateway_core.telemetry import metrics as m
metrics = m.Metrics(limits={("acme", "m1"): m.ModelLimits(concurrency=int(sys.argv[1]))})
metrics.publish_limits("acme", "m1")
metrics.add(m.IN_FLIGHT, ("acme", "m1"))
metrics.add(m.PROMPT_LANGUAGE, ("go", "go", "go"), 2)
metrics.observe(m.POST_PROCESSING, ("acme", "m1"), 3)
print("counted", flush=True)
sys.stdin.read()
"""


@contextmanager
def served(folder: Path | None) -> Iterator[str]:
    server = serve_metrics(host="127.0.0.1", port=0, multiprocess_folder=folder)
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def read(url: str) -> dict[str, float]:
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/plain")
        lines = answer.read().decode().splitlines()
    samples = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}


@contextmanager
def a_worker(folder: Path, *, limit: int) -> Iterator[subprocess.Popen[str]]:
    environment = {"PYTHONPATH": str(SRC), "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(limit)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "counted\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("path", ["", "/metrics", "/any/path?x=1"])
def test_one_process_shows_its_own_metrics_at_any_path(path: str) -> None:
    counter = Counter("test_of_the_listener", "Made for one test.", registry=REGISTRY)
    counter.inc(3)
    try:
        with served(None) as url:
            shown = read(url + path)
    finally:
        REGISTRY.unregister(counter)

    assert shown["test_of_the_listener_total"] == 3
    assert any(name.startswith("python_info") for name in shown)
    assert shown["process_resident_memory_bytes"] > 0


def test_the_metrics_of_all_workers_are_merged(tmp_path: Path) -> None:
    with a_worker(tmp_path, limit=5), a_worker(tmp_path, limit=5), served(tmp_path) as url:
        shown = read(url)

    assert shown[f"model_inferences_in_flight{MODEL}"] == 2
    assert shown[f"model_inferences_max_concurrent{MODEL}"] == 5
    assert shown['code_suggestions_prompt_language_total{editor_lang="go",extension="go",lang="go"}'] == 4
    assert shown[f"code_suggestions_post_processing_duration_seconds_count{MODEL}"] == 2
    assert shown[f"code_suggestions_post_processing_duration_seconds_sum{MODEL}"] == 6


def test_a_worker_that_died_keeps_its_counts_and_loses_its_gauges(tmp_path: Path) -> None:
    with served(tmp_path) as url, a_worker(tmp_path, limit=5) as doomed, a_worker(tmp_path, limit=5) as survivor:
        doomed.kill()
        doomed.wait(20)
        after_one = read(url)
        survivor.kill()
        survivor.wait(20)
        after_both = read(url)

    counted = 'code_suggestions_prompt_language_total{editor_lang="go",extension="go",lang="go"}'
    assert after_one[f"model_inferences_in_flight{MODEL}"] == 1
    assert after_one[counted] == after_both[counted] == 4
    assert not [name for name in after_both if name.startswith("model_inferences_in_flight")]
    assert not [name for name in after_both if name.startswith("model_inferences_max_concurrent")]


def test_a_taken_port_is_refused_by_its_settings() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(SettingInvalid) as refused:
            serve_metrics(host="127.0.0.1", port=port, multiprocess_folder=None)

    assert str(refused.value) == (
        f"The metrics listener cannot have 127.0.0.1:{port}: Address already in use; "
        "set AIGW_FASTAPI__METRICS_HOST and AIGW_FASTAPI__METRICS_PORT to a free address."
    )


def test_a_host_that_is_not_ours_is_refused_by_its_settings() -> None:
    # RFC 5737: an address for documentation, on no machine.
    with pytest.raises(SettingInvalid, match=r"cannot have 192\.0\.2\.1:0: Cannot assign requested address"):
        serve_metrics(host="192.0.2.1", port=0, multiprocess_folder=None)
