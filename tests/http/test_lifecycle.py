"""A gateway's life: it stops without losing what runs and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from fakes.gateway import RunningGateway, run_gateway, wait_for
from fakes.suggestions import OPENAI, Door, Way, events_in, new_id, text_in
from fakes.upstream import MockUpstream, Reply

_STOPS_WITHIN_S = 15


def no_new_connections(gateway: RunningGateway) -> bool | None:
    """Tell once nobody listens any more; None until then."""
    try:
        socket.create_connection(("127.0.0.1", gateway.port), timeout=5).close()
    except ConnectionError:
        return True
    return None


def children_of(pid: int) -> set[int]:
    """Give the processes whose ancestor this is."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                said = (entry / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                # It ended meanwhile.
                continue
            # The name in brackets may hold anything, also spaces and brackets.
            parents[int(entry.name)] = int(said.rpartition(")")[2].split()[1])
    found = {pid}
    for _ in range(5):
        found |= {child for child, parent in parents.items() if parent in found}
    return found - {pid}


def is_running(pid: int) -> bool:
    try:
        said = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return said.rpartition(")")[2].split()[0] != "Z"


def crashes_in(gateway: RunningGateway) -> list[dict[str, object]]:
    worse = {"error", "critical"}
    return [line for line in gateway.log_lines() if line["level"] in worse or "exception" in line]


def settings_for(upstream: MockUpstream, **more: str) -> dict[str, str]:
    return {**OPENAI.settings(upstream.url), **more}


@pytest.mark.parametrize(("way", "workers"), [("v2 stream", "1"), ("v4 stream", "1"), ("v4 stream", "2")])
def test_a_stream_that_runs_is_finished_before_the_gateway_stops(
    way: Way, workers: str, *, upstream: MockUpstream, tmp_path: Path
) -> None:
    upstream.always(Reply(hold_after=1))
    request_id = new_id()
    with run_gateway(tmp_path, settings_for(upstream, WEB_CONCURRENCY=workers)) as gateway:
        with Door(gateway, way).asking(request_id) as call:
            call.wait_for_text("return")
            gateway.process.send_signal(signal.SIGTERM)
            wait_for(lambda: no_new_connections(gateway), what="the listener to close", within_s=5)
            assert gateway.process.poll() is None
            upstream.release()
            answer = call.answer()

        assert answer.whole
        assert text_in(way, answer) == "return a + b"
        if way == "v4 stream":
            assert events_in(answer)[-1] == ("stream_end", "null")
        assert gateway.process.wait(_STOPS_WITHIN_S) == 0
        assert gateway.access_line(request_id)["status_code"] == 200
        assert crashes_in(gateway) == []


def test_a_whole_answer_that_is_awaited_is_given_before_the_gateway_stops(
    upstream: MockUpstream, tmp_path: Path
) -> None:
    upstream.always(Reply(hang=True))
    with run_gateway(tmp_path, settings_for(upstream)) as gateway:
        with Door(gateway, "v2 whole").asking(new_id()) as call:
            upstream.wait_until(lambda: upstream.held == 1)
            gateway.process.send_signal(signal.SIGTERM)
            wait_for(lambda: no_new_connections(gateway), what="the listener to close")
            upstream.release()

            assert text_in("v2 whole", call.answer()) == "return a + b"
        assert gateway.process.wait(_STOPS_WITHIN_S) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stream_without_end_does_not_hold_the_gateway_longer_than_is_allowed(
    workers: str, upstream: MockUpstream, tmp_path: Path
) -> None:
    upstream.always(Reply(hold_after=1))
    settings = settings_for(upstream, AIGW_LIMITS__SHUTDOWN_TIMEOUT="1", WEB_CONCURRENCY=workers)
    with run_gateway(tmp_path, settings) as gateway:
        with Door(gateway, "v4 stream").asking(new_id()) as call:
            call.wait_for_text("return")

            assert gateway.stop() == 0

            answer = call.answer()
        assert not answer.whole
        assert "stream_end" not in answer.body.decode()
        upstream.wait_until(lambda: upstream.requests[-1].aborted)


def test_a_kept_connection_at_rest_does_not_hold_the_gateway(upstream: MockUpstream, tmp_path: Path) -> None:
    with run_gateway(tmp_path, settings_for(upstream)) as gateway:
        with Door(gateway, "v2 whole").asking(new_id()) as call:
            assert call.answer().status == 200
            gateway.process.send_signal(signal.SIGTERM)

            assert call.wait_for_end() == b""
        assert gateway.process.wait(_STOPS_WITHIN_S) == 0
        assert crashes_in(gateway) == []


@pytest.mark.parametrize(
    ("number", "workers"),
    [(signal.SIGINT, "1"), (signal.SIGINT, "2"), (signal.SIGTERM, "2")],
    ids=["SIGINT", "SIGINT to two workers", "SIGTERM to two workers"],
)
def test_a_stop_is_no_failure_and_leaves_nothing_behind(number: signal.Signals, workers: str, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with run_gateway(tmp_path, {"WEB_CONCURRENCY": workers, "TMPDIR": str(scratch)}) as gateway:
        assert Door(gateway, "v2 whole").ask().status == 200
        children = children_of(gateway.process.pid)
        assert len(children) >= (2 if workers == "2" else 0)

        assert gateway.stop(number=number) == 0

        wait_for(lambda: None if any(map(is_running, children)) else True, what=f"the processes {children} to end")
        assert list(scratch.iterdir()) == []
        assert crashes_in(gateway) == []
        assert (tmp_path / "stderr.txt").read_text() == ""


def workers_of(gateway: RunningGateway) -> set[int]:
    return {child for child in children_of(gateway.process.pid) if "spawn_main" in command_of(child)}


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    with run_gateway(tmp_path, {"WEB_CONCURRENCY": "2"}) as gateway:
        before = wait_for(lambda: found if len(found := workers_of(gateway)) == 2 else None, what="two workers")
        victim = min(before)
        os.kill(victim, signal.SIGKILL)

        wait_for(lambda: True if len(workers_of(gateway) - {victim}) == 2 else None, what="a new worker", within_s=20)

        assert Door(gateway, "v2 whole").ask().status == 200
        assert gateway.stop() == 0


def test_a_worker_that_finds_no_database_ends_nobody_else_and_is_tried_again(tmp_path: Path) -> None:
    with run_gateway(tmp_path, {"WEB_CONCURRENCY": "2"}) as gateway:
        before = wait_for(lambda: found if len(found := workers_of(gateway)) == 2 else None, what="two workers")
        wait_for(lambda: gateway.log_text().count("Application startup complete") == 2 or None, what="both to serve")
        away = tmp_path / "away"
        away.mkdir()
        for file in (tmp_path / "data").glob("gateway.db*"):
            file.rename(away / file.name)
        (tmp_path / "data" / "gateway.db").mkdir()
        os.kill(min(before), signal.SIGKILL)
        wait_for(lambda: "worker_did_not_start" in gateway.log_text() or None, what="a worker that fails", within_s=30)

        assert [Door(gateway, "v2 whole").ask().status for _ in range(3)] == [200] * 3

        (tmp_path / "data" / "gateway.db").rmdir()
        for file in away.iterdir():
            file.rename(tmp_path / "data" / file.name)
        wait_for(
            lambda: gateway.log_text().count("Application startup complete") == 3 or None,
            what="another that serves",
            within_s=30,
        )
        assert gateway.stop() == 0
