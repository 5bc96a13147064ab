"""Settings of the HTTP server: listeners, workers, limits and time allowed upstream."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway_core.settings.kinds import (
    Accepts,
    CommaList,
    Count,
    Duration,
    Env,
    FilePath,
    FolderPath,
    FreePort,
    FromJson,
    Listener,
    Section,
    UrlPath,
)


class ServerTls(Section):
    """HTTPS on the API listener."""

    enabled: bool = False
    """Serve HTTPS instead of HTTP; both files below must exist."""

    cert_file: FilePath | None = None
    """PEM file with the server's certificate and its chain."""

    key_file: FilePath | None = None
    """PEM file with the private key of that certificate."""

    ssl_ciphers: str = "TLSv1"
    """Cipher list in OpenSSL's notation."""


class FastApi(Section):
    """Listeners and pages of the HTTP server."""

    api_host: Listener = "127.0.0.1"
    """Address the API listens on; 0.0.0.0 for every interface, as in the container image."""

    api_port: FreePort = 5052
    """Port of the API; 0 takes any free one."""

    trusted_proxies: CommaList = ()
    """Addresses or networks of reverse proxies whose `X-Forwarded-For` is believed; empty: nobody's. Behind a proxy
    that is not named here all callers count as one address."""

    metrics_host: Listener = "127.0.0.1"
    """Address the metrics listener listens on; 0.0.0.0 for every interface."""

    metrics_port: FreePort = 8082
    """Port of the metrics listener; 0 takes any free one."""

    uvicorn_logger: Annotated[
        FromJson[dict[str, object]], Accepts('a JSON object such as {"version": 1} (logging dictConfig)')
    ] = Field(default={"version": 1, "disable_existing_loggers": False})
    """Logging configuration of the HTTP server itself, as Python's dictConfig takes it."""

    docs_url: UrlPath | None = None
    """Path of the interactive API page; not set: no such page."""

    openapi_url: UrlPath | None = None
    """Path of the OpenAPI document; not set: no such document."""

    redoc_url: UrlPath | None = None
    """Path of the API reference page; not set: no such page."""

    reload: bool = False
    """Start again when a source file changes; for development."""

    heartbeat: Duration = 15.0
    """Seconds of silence on an event stream before a ping is sent."""

    tls: ServerTls = ServerTls()


class Limits(Section):
    """What one request may cost us before it is refused."""

    max_body_bytes: Count = 33_554_432
    """Largest request body in bytes, after decoding."""

    body_timeout: Duration = 60.0
    """Seconds within which a client must have sent its body."""

    header_timeout: Duration = 10.0
    """Seconds within which a client must have sent all its headers."""

    max_header_bytes: Count = 65_536
    """Largest size of all request headers together, in bytes."""

    shutdown_timeout: Duration = 30.0
    """Seconds that requests and streams in flight may go on after SIGTERM."""


class Upstream(Section):
    """Patience with model providers."""

    connect_timeout: Duration = 5.0
    """Seconds to open a connection to a provider, TLS included."""

    first_byte_timeout: Duration = 60.0
    """Seconds from the end of our request to the first byte of the answer."""

    idle_timeout: Duration = 60.0
    """Seconds of silence in the middle of an answer."""

    total_timeout: Duration = 600.0
    """Seconds for the whole call, from connecting to the last byte."""

    max_answer_bytes: Count = 33_554_432
    """Largest answer of a provider in bytes, after decoding."""


class Server(Section):
    """Server."""

    fastapi: FastApi = FastApi()

    limits: Limits = Limits()

    upstream: Upstream = Upstream()

    web_concurrency: Annotated[Count, Env("WEB_CONCURRENCY")] = 1
    """Number of worker processes."""

    prometheus_multiproc_dir: Annotated[FolderPath | None, Env("PROMETHEUS_MULTIPROC_DIR")] = None
    """Folder where workers keep their metrics; with several workers and none set, a temporary one is made."""
