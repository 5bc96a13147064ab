"""Run the service: sockets, metrics listener, workers; and stop it without losing a request."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import shlex
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn
from typing_extensions import override
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from ai_gateway.app import Service
from ai_gateway.banner import Listening, render_banner
from ai_gateway.checks import check_pages, check_server_logging, check_tls
from ai_gateway.edge.protocol import GatewayProtocol
from gateway_core.kernel.errors import SettingInvalid
from gateway_core.kernel.units import Seconds
from gateway_core.runtime import build_catalogue, build_trust, prepare_first_start, read_parts
from gateway_core.settings.load import UnknownName
from gateway_core.settings.model import Settings
from gateway_core.telemetry.exposition import serve_metrics
from gateway_core.telemetry.logs import configure_logging, get_log

log = get_log("server")

_NAME = "ai-gateway"
_DID_NOT_START = 3
_BACKLOG = 2_048
_PING_S = 1.0
_ANOTHER_AFTER_S = 2.0
_LOOKS_ROUND_S = 1.0
# Longer than the idle time of usual load balancers, so that it is never we who close first.
_KEEP_ALIVE_S = 75


@dataclass(frozen=True, slots=True)
class Oddities:
    """What was set and does nothing: names that mean nothing to us, and names that mean nothing yet."""

    unknown: Sequence[UnknownName]
    idle: Sequence[str]

    def report(self) -> None:
        """Warn of each."""
        for name in self.unknown:
            cure = f"did you mean {name.nearest}?" if name.nearest else "see example.env for all names"
            log.warning("unknown_setting", setting=name.name, cure=cure)
        for idle in self.idle:
            log.warning("setting_without_effect", setting=idle, cure="this version does not use it yet")


def run_server(settings: Settings, *, oddities: Oddities, multiprocess_folder: Path | None) -> None:
    """Serve until SIGTERM or SIGINT; raises SettingInvalid before anything is answered."""
    logging = settings.logging
    configure_logging(level=logging.level, as_json=logging.format_json, to_file=logging.to_file)
    oddities.report()
    _warn_of_bypass(settings)
    catalogue = build_catalogue(settings, parts=read_parts(settings))
    build_trust(settings)
    check_tls(settings.fastapi.tls)
    check_pages(settings.fastapi)
    check_server_logging(settings.fastapi.uvicorn_logger)
    pages = settings.fastapi
    listener = _listen(pages.api_host, pages.api_port)
    metrics = serve_metrics(host=pages.metrics_host, port=pages.metrics_port, multiprocess_folder=multiprocess_folder)
    run = _prepare(settings, listener)
    # The last that may fail: a key that is made is shown.
    admin = prepare_first_start(settings, terminal=sys.stdout.isatty())
    listening = Listening(
        api=(pages.api_host, listener.getsockname()[1]),
        metrics=(pages.metrics_host, metrics.server_port),
        certificate=pages.tls.cert_file if pages.tls.enabled else None,
    )
    banner = render_banner(
        listening, catalogue=catalogue, admin=admin, command=_own_command(), mocked=settings.mock_model_responses
    )
    sys.stdout.write(banner)
    sys.stdout.flush()
    _warn_of_missing_key(settings)
    if not run():
        sys.exit(_DID_NOT_START)


def _own_command() -> str:
    """Tell how to call this program from where it was started."""
    return _NAME if shutil.which(_NAME) else shlex.quote(sys.argv[0])


def _warn_of_bypass(settings: Settings) -> None:
    for name in ("bypass_external", "bypass_external_with_header", "bypass_jwt_signature"):
        if getattr(settings.auth, name):
            log.critical("authentication_bypassed", setting=f"AIGW_AUTH__{name.upper()}", cure="unset it in production")


def _warn_of_missing_key(settings: Settings) -> None:
    """Say before GitLab is told so that no token can be issued; without a GitLab of one's own nobody asks for one."""
    if (
        settings.self_signed_jwt.signing_key is None
        and settings.gitlab_url != Settings.model_fields["gitlab_url"].default
    ):
        reason = "AIGW_SELF_SIGNED_JWT__SIGNING_KEY is not set, so GitLab's editors get no tokens of their own"
        log.warning("signing_key_missing", reason=reason, cure="make a key with: ai-gateway keys new")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        message = (
            f"The API listener cannot have {host}:{port}: {error.strerror or error}; "
            "set AIGW_FASTAPI__API_HOST and AIGW_FASTAPI__API_PORT to a free address."
        )
        raise SettingInvalid(message) from error
    listener.set_inheritable(True)
    return listener


class QuietServer(uvicorn.Server):
    """Looks round once a second and at each signal, where the library's own does ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._wake: Callable[[], object] = _nobody

    @override
    async def main_loop(self) -> None:
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        self._wake = partial(loop.call_soon_threadsafe, woken.set)
        # At 0 of its count the library renews the date of answers, so here at each.
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOKS_ROUND_S):
                    await woken.wait()
        self._wake = _nobody

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._wake()


def _nobody() -> None:
    """Wake nobody."""


class _Workers(Multiprocess):
    """Several processes behind one socket.

    A worker that cannot start ends the service when none ever served: then the settings
    are wrong. Later it is the surroundings (a database that is gone), and it is tried again.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self._served = False
        self._due: list[float] = []

    @override
    def keep_subprocess_alive(self) -> None:
        if not self._served:
            self._served = any(worker.process.is_alive() and worker.is_ready(_PING_S) for worker in self.processes)
        for worker in list(self.processes):
            if worker.is_alive(self.config.timeout_worker_healthcheck):
                continue
            # Hung, if it is not dead already.
            worker.kill()
            worker.join()
            if self.should_exit.is_set():
                return
            self._replace(worker)
        while self._due and self._due[0] <= time.monotonic() and not self.should_exit.is_set():
            del self._due[0]
            replacement = Process(self.config, self.sockets)
            replacement.start()
            self.processes.append(replacement)

    def _replace(self, worker: Process) -> None:
        if worker.exitcode != STARTUP_FAILURE:
            log.warning("worker_died", pid=worker.pid, exit_code=worker.exitcode)
            self.processes.remove(worker)
            self._due.insert(0, time.monotonic())
        elif self._served:
            log.error("worker_did_not_start", pid=worker.pid, cure="its last line says why; another is tried soon")
            self.processes.remove(worker)
            self._due.append(time.monotonic() + _ANOTHER_AFTER_S)
        else:
            self.should_exit.set()

    @override
    def handle_hup(self) -> None:
        # They read their gateway.yaml again by themselves; the server's own way would replace them all.
        for worker in self.processes:
            if worker.pid is not None:
                os.kill(worker.pid, signal.SIGHUP)

    @override
    def terminate_all(self) -> None:
        # Theirs are copies: as long as this one listens, new connections would queue here for nobody.
        for listener in self.sockets:
            listener.close()
        super().terminate_all()

    def serve(self) -> bool:
        """Serve until a signal ends it; tells whether no worker gave up before it served."""
        self.run()
        return all(worker.exitcode != STARTUP_FAILURE for worker in self.processes)


def _prepare(settings: Settings, listener: socket.socket) -> Callable[[], bool]:
    """Make all ready to serve; what is given serves until a signal ends it, and tells whether it ever did.

    A signal counts from here on: one that comes before the server has its own handlers is remembered.
    """
    if settings.web_concurrency > 1:
        # This process only watches over others.
        gc.enable()
        # It takes the signals at once.
        supervisor = _Workers(_config(settings, "ai_gateway.worker:create_worker"), sockets=[listener])
        return supervisor.serve
    server = QuietServer(_config(settings, Service(settings)))

    def end(*_: object) -> None:
        # Also called once more at the very end: the server raises again the signal that stopped it.
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)

    def serve_alone() -> bool:
        server.run(sockets=[listener])
        return server.started

    return serve_alone


def _config(settings: Settings, app: str | Service) -> uvicorn.Config:
    pages, limits = settings.fastapi, settings.limits
    tls = pages.tls
    GatewayProtocol.limit(header_timeout=Seconds(limits.header_timeout), max_header_bytes=limits.max_header_bytes)
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=settings.web_concurrency,
        loop="uvloop",
        http=GatewayProtocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=pages.uvicorn_logger,
        access_log=False,
        server_header=False,
        # A header that says where a request came from is anybody's to write.
        proxy_headers=bool(pages.trusted_proxies),
        forwarded_allow_ips=list(pages.trusted_proxies),
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=math.ceil(limits.shutdown_timeout),
        ssl_certfile=tls.cert_file if tls.enabled else None,
        ssl_keyfile=tls.key_file if tls.enabled else None,
        ssl_ciphers=tls.ssl_ciphers,
    )
