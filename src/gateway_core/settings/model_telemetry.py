"""Settings of what the product tells others about itself: events, traces, profiles."""

from __future__ import annotations

from typing import Annotated

from pydantic import SecretStr

from gateway_core.settings.kinds import Count, Duration, Env, Region, Section, Url, WholeNumber


class EventSink(Section):
    """A collector of events, and how they are sent to it."""

    enabled: bool = False
    """Send these events."""

    endpoint: str | None = None
    """Collector that they are sent to: a host or a URL."""

    app_id: str | None = None
    """Name of the application in the events."""

    namespace: str | None = None
    """Name of the sender in the events."""

    batch_size: Count = 1
    """How many events are sent together."""

    thread_count: Count = 1
    """How many threads send them."""


class InternalEvents(EventSink):
    """Events about the use of features."""

    app_id: str | None = "gitlab_ai_gateway"
    """Name of the application in the events."""

    namespace: str | None = "gl"
    """Name of the sender in the events."""


class BillingEvents(EventSink):
    """Events that are billed."""

    app_id: str | None = "gitlab_ai_gateway-billing"
    """Name of the application in the events."""

    namespace: str | None = "gl"
    """Name of the sender in the events."""


class AuditEvents(Section):
    """Events for the audit log."""

    enabled: bool = False
    """Send audit events."""

    buffer_size: Count = 100
    """How many events are collected before they are sent."""

    flush_interval_seconds: Duration = 10.0
    """Seconds after which events are sent although the buffer is not full."""

    max_retries: WholeNumber = 3
    """How often a failed sending is tried again."""


class GoogleCloudProfiler(Section):
    """Google's Cloud Profiler."""

    enabled: bool = False
    """Send profiles of this process."""

    verbose: WholeNumber = 2
    """How much the profiler logs: 0 errors, 1 warnings, 2 information, 3 debugging."""

    period_ms: Count = 10
    """Time between two samples, in milliseconds."""


class Instrumentator(Section):
    """Watching our own threads."""

    thread_monitoring_enabled: bool = False
    """Log what every thread is doing, at intervals, and count the threads."""

    thread_monitoring_interval: Duration = 60.0
    """Seconds between two looks at the threads."""


class Langchain(Section):
    """Tracing to LangSmith."""

    tracing_v2: bool = False
    """Send traces."""

    langsmith_tracing_v2: Annotated[bool, Env("LANGSMITH_TRACING_V2")] = False
    """Send traces; newer name of the switch, either one is enough."""

    endpoint: Url | None = None
    """Where traces are sent."""

    api_key: SecretStr | None = None
    """Key for that endpoint."""

    project: str | None = None
    """Project that the traces belong to."""


class Pyroscope(Section):
    """Continuous profiling with Pyroscope."""

    enabled: bool = False
    """Send profiles of this process."""

    server_url: Url | None = None
    """Where profiles are sent."""


class Sentry(Section):
    """Error tracking of the workflow service."""

    error_tracking_enabled: bool = False
    """Report unexpected errors."""

    dsn: SecretStr | None = None
    """Address that errors are reported to, with its key."""


class Telemetry(Section):
    """Telemetry."""

    snowplow: EventSink = EventSink()

    internal_event: InternalEvents = InternalEvents()

    billing_event: BillingEvents = BillingEvents()

    audit_event: AuditEvents = AuditEvents()

    google_cloud_profiler: GoogleCloudProfiler = GoogleCloudProfiler()

    instrumentator: Instrumentator = Instrumentator()

    langchain: Annotated[Langchain, Env("LANGCHAIN_")] = Langchain()

    pyroscope: Annotated[Pyroscope, Env("PYROSCOPE_")] = Pyroscope()

    sentry: Annotated[Sentry, Env("SENTRY_")] = Sentry()

    k_revision: Annotated[str | None, Env("K_REVISION")] = None
    """Revision of the deployment, reported as our version in profiles; set by Cloud Run."""

    runway_region: Annotated[Region | None, Env("RUNWAY_REGION")] = None
    """Region of the deployment, reported in events; also the default Google Cloud location."""
