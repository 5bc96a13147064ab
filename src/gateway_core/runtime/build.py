"""Build every part once, and close them in reverse order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from gateway_core.audit.ports import AuditStore, AuditTrail
from gateway_core.audit.service import BufferedAuditTrail
from gateway_core.audit.sql import SqlAuditStore
from gateway_core.http_client import HttpClient
from gateway_core.inference.ports import Provider
from gateway_core.kernel.clock import Clock, SystemClock
from gateway_core.providers.registry import find_specs
from gateway_core.relay.service import Relay
from gateway_core.relay.watch import Watcher
from gateway_core.runtime.identity import Identity, build_identity
from gateway_core.runtime.models import build_catalogue, build_providers, model_limits
from gateway_core.runtime.records import open_database
from gateway_core.runtime.trust import build_trust
from gateway_core.settings.model import Settings
from gateway_core.telemetry.metrics import Metrics
from gateway_core.telemetry.request_data import RequestDataLog


@dataclass(frozen=True, slots=True)
class Runtime:
    """The parts of the core, built once for each process."""

    settings: Settings
    relay: Relay
    identity: Identity
    audit: AuditTrail
    audit_store: AuditStore
    metrics: Metrics
    data_log: RequestDataLog
    http: HttpClient
    clock: Clock


@asynccontextmanager
async def build_runtime(
    settings: Settings,
    *,
    clock: Clock | None = None,
    metrics: Metrics | None = None,
    providers: Mapping[str, Provider] | None = None,
) -> AsyncGenerator[Runtime]:
    """Build everything, and close it in reverse order; raises SettingInvalid.

    `providers` stand in for those of the same name.
    """
    clock = clock or SystemClock()
    metrics = metrics or Metrics(limits=model_limits(settings))
    specs = find_specs()
    catalogue = build_catalogue(settings, specs)
    async with AsyncExitStack() as stack:
        http = HttpClient(ssl_context=build_trust(settings))
        stack.push_async_callback(http.close)
        # Whose keys count is never taken from somebody unverified, whatever is said of models.
        verifying = HttpClient(ssl_context=build_trust(settings, always_verify=True))
        stack.push_async_callback(verifying.close)
        database = await stack.enter_async_context(open_database(settings))
        audit_store = SqlAuditStore(database)
        audit = BufferedAuditTrail(audit_store, clock, keep_days=settings.audit.keep_days)
        await stack.enter_async_context(audit)
        identity = await stack.enter_async_context(
            build_identity(settings, http=verifying, database=database, audit=audit, clock=clock)
        )
        found = build_providers(settings, specs, http) | dict(providers or {})
        yield Runtime(
            settings=settings,
            relay=Relay(catalogue, found, Watcher(metrics, clock)),
            identity=identity,
            audit=audit,
            audit_store=audit_store,
            metrics=metrics,
            data_log=RequestDataLog(settings.logging.enable_request_logging, settings.custom_models.enabled),
            http=http,
            clock=clock,
        )
