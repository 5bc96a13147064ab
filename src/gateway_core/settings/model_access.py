"""Settings of who may do what: authentication, signing keys, flags, allowlists and quota."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from gateway_core.settings.kinds import Accepts, CommaList, Env, FromJson, Pem, Section


class Auth(Section):
    """Ways around authentication, for development and tests."""

    bypass_external: bool = False
    """Take every caller as a debug user who may do anything. Never where others can reach the gateway."""

    bypass_external_with_header: bool = False
    """The same, but only for requests with the header `Bypass-Auth: true`."""

    bypass_jwt_signature: bool = False
    """Do not verify the signature of tokens; their audience and times are still checked."""


class SelfSignedJwt(Section):
    """Keys of the tokens that the gateway issues itself."""

    signing_key: Pem | None = None
    """RSA private key that signs our tokens; every replica needs the same one."""

    validation_key: Pem | None = None
    """Earlier signing key: tokens that it signed stay valid while keys are changed."""


class FeatureFlags(Section):
    """Flags that GitLab sends, and behaviour that goes with them."""

    disallowed_flags: Annotated[
        FromJson[dict[str, frozenset[str]]],
        Accepts('a JSON object of lists such as {"self-managed": ["expanded_ai_logging"]}'),
    ] = Field(default={})
    """Flags that callers of a realm may not switch on, by realm."""

    excl_post_process: Annotated[FromJson[tuple[str, ...]], Accepts('a JSON list such as ["trim_trailing"]')] = ()
    """Names of repairs of code suggestions that are skipped."""

    fireworks_score_threshold: Annotated[
        FromJson[dict[str, float]], Accepts('a JSON object of numbers such as {"qwen2p5-coder-7b": -0.5}')
    ] = Field(default={})
    """Lowest mean log-probability that a completion may have, by model; below it the answer is dropped."""


class ProcessLevelFeatureFlags(Section):
    """Flags that hold for the whole process, whatever the caller sends."""

    duo_classic_chat_duo_core_cutoff: bool = False
    """Refuse classic chat to callers who have it only through the core offer."""


class ProxyEndpoints(Section):
    """Who may use the provider proxies."""

    self_managed_enabled: CommaList = ()
    """Unique ids of the self-managed instances that may use the proxies; empty: all."""

    saas_enabled: CommaList = ()
    """Ids of the root namespaces on gitlab.com that may use the proxies; empty: all."""


class UsageQuota(Section):
    """Access to the quota service; without both values no quota is checked."""

    user: str | None = None
    """Account that asks the customer portal for a caller's quota."""

    token: SecretStr | None = None
    """Token of that account."""


class Customersdot(Section):
    """Account at the customer portal; the quota check does not use it."""

    api_user: str | None = None
    """Name of the account."""

    api_token: SecretStr | None = None
    """Token of the account."""


class Access(Section):
    """Authentication, tokens and flags."""

    auth: Auth = Auth()

    self_signed_jwt: SelfSignedJwt = SelfSignedJwt()

    feature_flags: FeatureFlags = FeatureFlags()

    process_level_feature_flags: ProcessLevelFeatureFlags = ProcessLevelFeatureFlags()

    proxy_endpoints: ProxyEndpoints = ProxyEndpoints()

    usage_quota: Annotated[UsageQuota, Env("CUSTOMER_PORTAL_USAGE_QUOTA_API_")] = UsageQuota()

    customersdot: Customersdot = Customersdot()
