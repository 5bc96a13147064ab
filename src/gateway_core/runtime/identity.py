"""Who may call: every verifier, with the keys that it verifies by."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from pydantic import SecretStr

from gateway_core.audit.ports import AuditTrail
from gateway_core.http_client import HttpClient
from gateway_core.identity.client_index import ClientIndex
from gateway_core.identity.clients import ClientRegistry
from gateway_core.identity.discovery import fetch_key_set
from gateway_core.identity.disk import FOLDER, KeyFolder
from gateway_core.identity.glgo import GlgoExchange
from gateway_core.identity.google import GoogleCredentials
from gateway_core.identity.issuers import IssuerKeys, IssuerSource
from gateway_core.identity.jwks import SignedTokens
from gateway_core.identity.ports import CloudCredentials, CredentialVerifier, KeySets, TokenExchange
from gateway_core.identity.self_issued import TokenSigner, local_keys
from gateway_core.identity.service import Authenticator, Bypass, BypassAlarm
from gateway_core.identity.throttle import FailureThrottle
from gateway_core.identity.unsigned import UnsignedTokens
from gateway_core.kernel.clock import Clock
from gateway_core.kernel.secret import Secret
from gateway_core.kernel.units import Seconds
from gateway_core.runtime.clients import open_hasher
from gateway_core.runtime.stores import Stores
from gateway_core.settings.model import Settings
from gateway_core.telemetry.logs import redactor


@dataclass(frozen=True, slots=True)
class Identity:
    """What the service asks about callers, and does in its own name.

    `index` has the keys of clients; those of a gateway.yaml are given to it at each reading.
    """

    authenticator: Authenticator
    throttle: FailureThrottle
    clients: ClientRegistry
    index: ClientIndex
    signer: TokenSigner
    glgo: TokenExchange
    google: CloudCredentials


@asynccontextmanager
async def build_identity(
    settings: Settings, *, http: HttpClient, stores: Stores, audit: AuditTrail, clock: Clock
) -> AsyncGenerator[Identity]:
    """Build all of it; keys of clients are read now, those of issuers are fetched in the background."""
    auth, name = settings.auth, settings.cloud_connector_service_name
    hasher = await open_hasher(settings, stores.clients)
    signing = _secret(settings.self_signed_jwt.signing_key)
    signer = TokenSigner(signing, service_name=name)
    google_key = _secret(settings.google_cloud_platform.service_account_json_key)
    async with AsyncExitStack() as stack:
        index = await stack.enter_async_context(ClientIndex(stores.watched, hasher, clock=clock))
        authenticator = Authenticator(
            service_name=name,
            client_keys=index,
            tokens=await _open_tokens(settings, stack, http=http, clock=clock),
            alarm=BypassAlarm(clock),
            bypass=Bypass(auth.bypass_external, auth.bypass_external_with_header, auth.bypass_jwt_signature),
        )
        yield Identity(
            authenticator=authenticator,
            throttle=FailureThrottle(auth.failures_per_minute, clock),
            clients=ClientRegistry(stores.clients, hasher, audit=audit, clock=clock),
            index=index,
            signer=signer,
            glgo=GlgoExchange(http, settings.glgo_base_url, signer=signer, clock=clock),
            google=GoogleCredentials(http, clock, key=google_key),
        )


async def _open_tokens(
    settings: Settings, stack: AsyncExitStack, *, http: HttpClient, clock: Clock
) -> CredentialVerifier:
    audience = settings.cloud_connector_service_name
    if settings.auth.bypass_jwt_signature:
        return UnsignedTokens(audience, clock)
    keys: KeySets = await stack.enter_async_context(_build_keys(settings, http=http, clock=clock))
    # What we sign ourselves is RS256, whatever others may sign with.
    algorithms = tuple(dict.fromkeys((*settings.auth.algorithms, "RS256")))
    return SignedTokens(audience, audience, key_sets=keys, algorithms=algorithms, clock=clock)


def _build_keys(settings: Settings, *, http: HttpClient, clock: Clock) -> IssuerKeys:
    auth, own, name = settings.auth, settings.self_signed_jwt, settings.cloud_connector_service_name
    stale_for = Seconds(auth.keys_stale_for)
    return IssuerKeys(
        local_keys(_secret(own.signing_key), _secret(own.validation_key), service_name=name),
        issuer_sources(settings),
        fetch=partial(fetch_key_set, http),
        disk=KeyFolder(settings.data_dir / FOLDER, clock, stale_for),
        clock=clock,
        refresh=Seconds(auth.keys_refresh),
        stale_for=stale_for,
        algorithms=auth.algorithms,
    )


def issuer_sources(settings: Settings) -> list[IssuerSource]:
    """List the issuers in the order in which their keys are tried."""
    checked = settings.auth.check_gitlab_issuer
    return [
        IssuerSource("Gitlab", settings.gitlab_url, "AIGW_GITLAB_URL", checked),
        IssuerSource("CustomersDot", settings.customer_portal_url, "AIGW_CUSTOMER_PORTAL_URL", checked),
        *(
            IssuerSource(given.name or given.url, given.url, "AIGW_AUTH__ISSUERS", given.check_issuer)
            for given in settings.auth.issuers
        ),
    ]


def _secret(given: SecretStr | None) -> Secret | None:
    if given is None or not given.get_secret_value():
        return None
    redactor.learn(given.get_secret_value())
    return Secret(given.get_secret_value())
