"""Run the service: sockets, metrics listener, workers; and stop it without losing a request."""

from __future__ import annotations

import math
import signal
import socket
import ssl
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from typing_extensions import override
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from ai_gateway.app import Service
from ai_gateway.banner import Listening, render_banner
from ai_gateway.edge.protocol import GatewayProtocol
from gateway_core.kernel.errors import SettingInvalid
from gateway_core.kernel.units import Seconds
from gateway_core.runtime import build_catalogue, build_trust, ensure_client_key
from gateway_core.settings.load import UnknownName
from gateway_core.settings.model import Settings
from gateway_core.telemetry.exposition import serve_metrics
from gateway_core.telemetry.logs import configure_logging, get_log

log = get_log("server")

_DID_NOT_START = 3
_BACKLOG = 2_048
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


def serve(settings: Settings, *, oddities: Oddities, multiprocess_folder: Path | None) -> None:
    """Serve until SIGTERM or SIGINT; raises SettingInvalid before anything is answered."""
    logging = settings.logging
    configure_logging(level=logging.level, as_json=logging.format_json, to_file=logging.to_file)
    oddities.report()
    _warn_of_bypass(settings)
    catalogue = build_catalogue(settings)
    key_path = ensure_client_key(settings)
    build_trust(settings)
    _check_tls(settings)
    pages = settings.fastapi
    listener = _listen(pages.api_host, pages.api_port)
    metrics = serve_metrics(host=pages.metrics_host, port=pages.metrics_port, multiprocess_folder=multiprocess_folder)
    listening = Listening(
        api=(pages.api_host, listener.getsockname()[1]),
        metrics=(pages.metrics_host, metrics.server_port),
        secure=pages.tls.enabled,
    )
    sys.stdout.write(render_banner(listening, catalogue=catalogue, key_path=key_path))
    sys.stdout.flush()
    # The server raises the signal that stopped it once more when it is done: then it means nothing any more.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    if not _run(settings, listener):
        sys.exit(_DID_NOT_START)


def _warn_of_bypass(settings: Settings) -> None:
    for name in ("bypass_external", "bypass_external_with_header", "bypass_jwt_signature"):
        if getattr(settings.auth, name):
            log.critical("authentication_bypassed", setting=f"AIGW_AUTH__{name.upper()}", cure="unset it in production")


def _check_tls(settings: Settings) -> None:
    """Refuse certificates that do not work before anything is promised; the server loads them itself."""
    tls = settings.fastapi.tls
    if not tls.enabled or tls.cert_file is None:
        return
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.cert_file, tls.key_file)
        context.set_ciphers(tls.ssl_ciphers)
    except OSError as error:
        message = (
            f"HTTPS cannot be served with AIGW_FASTAPI__TLS__CERT_FILE={str(tls.cert_file)!r}, "
            f"__KEY_FILE={str(tls.key_file)!r} and __SSL_CIPHERS={tls.ssl_ciphers!r}: {error.args[-1]}."
        )
        raise SettingInvalid(message) from error


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


class _Workers(Multiprocess):
    """Several processes behind one socket."""

    @override
    def terminate_all(self) -> None:
        # Theirs are copies: as long as this one listens, new connections would queue here for nobody.
        for listener in self.sockets:
            listener.close()
        super().terminate_all()

    def started(self) -> bool:
        """Tell whether no worker gave up before it served."""
        return all(worker.exitcode != STARTUP_FAILURE for worker in self.processes)


def _run(settings: Settings, listener: socket.socket) -> bool:
    """Serve until a signal ends it; tells whether it ever did."""
    workers = settings.web_concurrency
    config = _config(settings, "ai_gateway.worker:create_worker" if workers > 1 else Service(settings))
    if workers > 1:
        supervisor = _Workers(config, sockets=[listener])
        supervisor.run()
        return supervisor.started()
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    return server.started


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
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=math.ceil(limits.shutdown_timeout),
        ssl_certfile=tls.cert_file if tls.enabled else None,
        ssl_keyfile=tls.key_file if tls.enabled else None,
        ssl_ciphers=tls.ssl_ciphers,
    )
