"""What is measured: the model itself, nginx before it, and the gateway before it."""

import http.client
import os
import shutil
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from bench.native import LOOPBACK, BenchFailed, Upstream, http_get
from bench.program import Program, wait_until
from bench.requests import CLIENT_KEY
from bench.scenarios import Door

START_LIMIT_S = 30.0
NGINX_CONFIGURATION = Template("""\
worker_processes 1;
daemon off;
pid $folder/nginx.pid;
error_log $folder/nginx.err warn;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
  client_body_buffer_size 1m;
  keepalive_requests 10000000;
  upstream model { server 127.0.0.1:$model_port; keepalive 512; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:$port backlog=4096;
    location / {
      proxy_pass http://model;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
""")


@dataclass(frozen=True)
class Target:
    """Something to measure. An empty command means that it runs already."""

    name: str
    door: Door
    port: int
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    health_path: str = "/"


def build_direct(upstream: Upstream) -> Target:
    """Measure the model without anything before it."""
    return Target(name="direct", door=Door.MODEL, port=upstream.port)


def find_nginx() -> str | None:
    """Give the path of nginx when it is installed."""
    return shutil.which("nginx")


def build_nginx(upstream: Upstream, *, executable: str, folder: Path) -> Target:
    """Measure nginx as a plain reverse proxy: one worker, keep-alive to the model, no buffering."""
    (port,) = _free_ports(1)
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX_CONFIGURATION.substitute(folder=folder, port=port, model_port=upstream.port))
    return Target(
        name="nginx",
        door=Door.MODEL,
        port=port,
        command=(executable, "-p", str(folder), "-c", str(configuration)),
        environment={"PATH": os.defpath},
        health_path="/__counts",
    )


def build_gateway(upstream: Upstream, *, executable: Path, folder: Path) -> Target:
    """Measure the gateway: one worker, its own data folder, and nothing of our environment."""
    port, metrics_port = _free_ports(2)
    data = folder / "data"
    data.mkdir(mode=0o700)
    key_file = data / "admin-key"
    key_file.touch(mode=0o600)
    key_file.write_text(f"{CLIENT_KEY}\n")
    return Target(
        name="gateway",
        door=Door.GATEWAY,
        port=port,
        command=(str(executable), "serve"),
        environment={
            "PATH": os.defpath,
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "AIGW_FASTAPI__API_HOST": LOOPBACK,
            "AIGW_FASTAPI__API_PORT": str(port),
            "AIGW_FASTAPI__METRICS_HOST": LOOPBACK,
            "AIGW_FASTAPI__METRICS_PORT": str(metrics_port),
            "AIGW_DATA_DIR": str(data),
            # Nobody to ask for keys: a measurement calls nothing outside this machine.
            "AIGW_GITLAB_URL": f"http://{LOOPBACK}:9",
            "AIGW_CUSTOMER_PORTAL_URL": f"http://{LOOPBACK}:9",
            "AIGW_CUSTOM_MODELS__ENABLED": "true",
            "OPENAI_API_KEY": "sk-bench",
            "OPENAI_BASE_URL": upstream.url,
            "ANTHROPIC_API_KEY": "sk-bench",
            "ANTHROPIC_BASE_URL": upstream.root,
        },
        health_path="/monitoring/healthz",
    )


@dataclass(frozen=True)
class Running:
    """A target that answers, with how long each of its starts took."""

    target: Target
    program: Program | None
    cold_starts_s: tuple[float, ...] = ()


def start_target(target: Target, *, folder: Path, core: int | None, starts: int) -> Running:
    """Start a target as often as asked and keep the last one; raises BenchFailed when it does not answer."""
    if not target.command:
        return Running(target, program=None)
    times: list[float] = []
    program, _ = _start_once(target, folder=folder, core=core)  # not timed: it may compile modules
    for _ in range(starts):
        program.stop()
        program, seconds = _start_once(target, folder=folder, core=core)
        times.append(seconds)
    return Running(target, program, tuple(times))


def _start_once(target: Target, *, folder: Path, core: int | None) -> tuple[Program, float]:
    log = folder / f"{target.name}.log"
    begin = time.monotonic()
    program = Program.start(target.command, environment=target.environment, folder=folder, log=log, core=core)
    try:
        _wait_for_answer(target, program, log=log)
    except BaseException:
        program.stop()
        raise
    return program, time.monotonic() - begin


def _wait_for_answer(target: Target, program: Program, *, log: Path) -> None:
    """Return with the first 200."""
    wait_until(lambda: program.has_ended() or _answers(target), limit_s=START_LIMIT_S)
    if program.has_ended():
        raise BenchFailed(f"{target.name!r} ended at once; the end of its log:\n{_tail(log)}")
    if not _answers(target):
        raise BenchFailed(f"{target.name!r} gave no answer in {START_LIMIT_S:.0f} s; the end of its log:\n{_tail(log)}")


def _answers(target: Target) -> bool:
    try:
        return http_get(target.port, target.health_path)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


def _free_ports(count: int) -> list[int]:
    """Find ports that nobody listens on; all are held until the last is found, so no two are the same."""
    ports: list[int] = []
    with ExitStack() as held:
        for _ in range(count):
            listener = held.enter_context(socket.socket())
            listener.bind((LOOPBACK, 0))
            ports.append(listener.getsockname()[1])
    return ports
