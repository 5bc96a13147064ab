"""Settings of the workflow service, and of the container that holds both services."""

from __future__ import annotations

from typing import Annotated

from pydantic import SecretStr

from gateway_core.settings.kinds import (
    CommaList,
    Derived,
    Duration,
    Env,
    FilePath,
    FreePort,
    Listener,
    LogLevel,
    Pem,
    Region,
    Section,
    Url,
)


class WorkflowAuth(Section):
    """Authentication of the workflow service."""

    enabled: bool = True
    """Ask callers for a token; off, everyone is a debug user who may do anything."""

    oidc_gitlab_url: Annotated[Url, Derived("`AIGW_GITLAB_URL`")] = "https://gitlab.com"
    """GitLab instance whose keys sign the callers' tokens."""

    oidc_customer_portal_url: Annotated[Url, Derived("`AIGW_CUSTOMER_PORTAL_URL`")] = "https://customers.gitlab.com"
    """Customer portal: second identity provider, and the quota service of both services."""


class WorkflowJwt(Section):
    """Keys of the tokens that the workflow service issues itself."""

    signing_key: Pem | None = None
    """RSA private key that signs its tokens; every replica needs the same one."""

    validation_key: Pem | None = None
    """Earlier signing key: tokens that it signed stay valid while keys are changed."""


class WorkflowLogging(Section):
    """What the workflow service logs."""

    level: LogLevel = "INFO"
    """Lowest level that is logged; capitals do not matter."""

    json_format: bool = True
    """Log one JSON object a line; off, coloured lines for a console."""

    to_file: FilePath | None = None
    """Append the log to this file instead of writing it to the standard error stream."""


class WorkflowTls(Section):
    """TLS on the gRPC listener."""

    enabled: bool = False
    """Serve gRPC over TLS; both files below must exist."""

    cert_file: FilePath | None = None
    """PEM file with the server's certificate and its chain."""

    key_file: FilePath | None = None
    """PEM file with the private key of that certificate."""


class WorkflowProfiler(Section):
    """Google's Cloud Profiler for the workflow service."""

    enabled: bool = False
    """Send profiles of the workflow service."""


class DuoWorkflow(Section):
    """The workflow service."""

    port: Annotated[FreePort, Env("PORT")] = 50_052
    """Port of the gRPC listener; 0 takes any free one."""

    auth: WorkflowAuth = WorkflowAuth()

    self_signed_jwt: WorkflowJwt = WorkflowJwt()

    cloud_connector_service_name: str = "gitlab-duo-workflow-service"
    """The service's name in tokens: the audience it accepts and the issuer it signs as."""

    logging: WorkflowLogging = WorkflowLogging()

    tls: WorkflowTls = WorkflowTls()

    grpc_reflection_enabled: bool = False
    """Let clients list the methods of the service."""

    shutdown_grace_period_s: Duration = 30.0
    """Seconds that sessions may go on after SIGTERM."""

    gitlab_ssl_ca_file: FilePath | None = None
    """PEM file with the authorities to trust in calls to GitLab."""

    use_caching_proxy: bool = False
    """Send model calls through a caching proxy; for load tests."""

    caching_proxy_url: Url = "http://localhost:8888"
    """Address of that proxy."""

    google_cloud_profiler: WorkflowProfiler = WorkflowProfiler()

    service_environment: str | None = None
    """Name of the installation, reported by the workflow service."""

    vertex_location: Annotated[Region | None, Env("DUO_WORKFLOW__VERTEX_LOCATION")] = None
    """Vertex location of the workflow service's models."""

    use_memsaver: Annotated[bool, Env("USE_MEMSAVER")] = False
    """Keep the state of sessions in memory instead of in GitLab; for development."""

    workflow_interrupt: Annotated[bool, Env("WORKFLOW_INTERRUPT")] = False
    """Older flows stop for a person's approval of their plan."""

    debug: Annotated[str | None, Env("DEBUG")] = None
    """Any text makes the workflow service log more."""


class PrometheusMetrics(Section):
    """Metrics listener of the workflow service."""

    addr: Listener = "127.0.0.1"
    """Address the listener listens on; 0.0.0.0 for every interface."""

    port: FreePort = 8083
    """Port of the listener; 0 takes any free one."""


class PromptScanner(Section):
    """Scanner for prompt injection."""

    name: Annotated[str | None, Env("PROMPT_SCANNER")] = None
    """Scanner to use; not set: none."""

    client_id: Annotated[str | None, Env("HL_CLIENT_ID")] = None
    """Account at the scanner's service."""

    client_secret: Annotated[SecretStr | None, Env("HL_CLIENT_SECRET")] = None
    """Secret of that account."""

    environment: Annotated[str | None, Env("HIDDENLAYER_ENVIRONMENT")] = None
    """Environment of the scanner's service."""

    log_allowed_realms: Annotated[CommaList, Env("HIDDENLAYER_LOG_ALLOWED_REALMS")] = ()
    """Realms whose findings may be logged; empty: none."""


class Workflow(Section):
    """Workflow service and shared image."""

    enable_duo_workflow_service: Annotated[bool, Env("ENABLE_DUO_WORKFLOW_SERVICE")] = False
    """The container also runs the workflow service."""

    disable_ai_gateway: Annotated[bool, Env("DISABLE_AI_GATEWAY")] = False
    """The container does not run the HTTP gateway."""

    duo_workflow: Annotated[DuoWorkflow, Env("DUO_WORKFLOW_")] = DuoWorkflow()

    prometheus_metrics: Annotated[PrometheusMetrics, Env("PROMETHEUS_METRICS__")] = PrometheusMetrics()

    prompt_scanner: Annotated[PromptScanner, Env("")] = PromptScanner()
