"""Build every part once, and close them in reverse order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from gateway_core.audit.ports import AuditStore, AuditTrail
from gateway_core.audit.service import BufferedAuditTrail
from gateway_core.http_client import HttpClient
from gateway_core.identity.client_index import ClientIndex
from gateway_core.inference.ports import Provider
from gateway_core.kernel.clock import Clock, SystemClock
from gateway_core.providers.registry import find_specs
from gateway_core.relay.service import Relay
from gateway_core.relay.watch import Watcher
from gateway_core.routing.model import Catalogue
from gateway_core.runtime.configured import Configuring
from gateway_core.runtime.file_source import follow_file
from gateway_core.runtime.gateway_file_parts import GatewayParts
from gateway_core.runtime.identity import Identity, build_identity
from gateway_core.runtime.models import model_limits
from gateway_core.runtime.signers import Signers
from gateway_core.runtime.stores import open_stores
from gateway_core.runtime.trust import build_proxies, build_trust
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


@dataclass(frozen=True, slots=True)
class _Taking:
    """Who learns of a reading of the gateway.yaml. `stand_ins` are providers of a test."""

    configuring: Configuring
    relay: Relay
    index: ClientIndex
    stand_ins: Mapping[str, Provider]

    def take(self, parts: GatewayParts) -> None:
        """Swap everything in; what may be wrong with it is found before anything changes."""
        now = self.configuring.build(parts)
        self.relay.use(now.catalogue, {**now.providers, **self.stand_ins})
        self.index.give(parts.clients)


def _open_client(stack: AsyncExitStack, settings: Settings, *, always_verify: bool = False) -> HttpClient:
    trust = build_trust(settings, always_verify=always_verify)
    client = HttpClient(ssl_context=trust, proxies=build_proxies(settings))
    stack.push_async_callback(client.close)
    return client


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
    async with AsyncExitStack() as stack:
        http = _open_client(stack, settings)
        # Whose keys count is never taken from somebody unverified, whatever is said of models.
        verifying = _open_client(stack, settings, always_verify=True)
        stores = await stack.enter_async_context(open_stores(settings))
        audit = BufferedAuditTrail(stores.audit, clock, keep_days=settings.audit.keep_days)
        await stack.enter_async_context(audit)
        identity = await stack.enter_async_context(
            build_identity(settings, http=verifying, stores=stores, audit=audit, clock=clock)
        )
        signers = Signers(verifying, clock, identity.google)
        configuring = Configuring(settings, find_specs(), http=http, signers=signers, clock=clock)
        relay = Relay(Catalogue({}, {}), {}, Watcher(metrics, clock), largest_answer=settings.upstream.max_answer_bytes)
        taking = _Taking(configuring, relay, identity.index, providers or {})
        await stack.enter_async_context(follow_file(settings, taking.take))
        yield Runtime(
            settings=settings,
            relay=relay,
            identity=identity,
            audit=audit,
            audit_store=stores.audit,
            metrics=metrics,
            data_log=RequestDataLog(settings.logging.enable_request_logging, settings.custom_models.enabled),
            http=http,
            clock=clock,
        )
