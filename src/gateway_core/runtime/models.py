"""Which models this installation has, and who answers for them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from gateway_core.http_client import Deadlines, HttpClient
from gateway_core.inference.ports import Lease, Provider
from gateway_core.inference.wish import Feature
from gateway_core.kernel.errors import SettingInvalid
from gateway_core.kernel.secret import Secret
from gateway_core.kernel.units import Seconds
from gateway_core.keys.model import OneKey
from gateway_core.keys.ports import Keys
from gateway_core.providers.http_provider import HttpProvider
from gateway_core.providers.registry import find_specs
from gateway_core.providers.scripted import ScriptedProvider
from gateway_core.providers.spec import ProviderSpec
from gateway_core.routing.known import FEATURE_SETTINGS, KNOWN_MODELS
from gateway_core.routing.model import Catalogue, ModelRef
from gateway_core.runtime.gateway_file_parts import GatewayParts
from gateway_core.settings.model import Settings
from gateway_core.telemetry.logs import redactor
from gateway_core.telemetry.metrics import ModelLimits

FEATURES: tuple[Feature, ...] = ("code_completions", "code_generations")


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_KEY_VARIABLES = {
    "anthropic": "ANTHROPIC_API_KEY",
    "openai": "OPENAI_API_KEY",
    "fireworks_ai": "AIGW_MODEL_KEYS__FIREWORKS_API_KEY",
}

# Who answers by default when several are configured.
_PREFERENCE = ("anthropic", "openai", "fireworks_ai")


def build_catalogue(
    settings: Settings,
    specs: Mapping[str, ProviderSpec] | None = None,
    parts: GatewayParts | None = None,
    *,
    keys: Mapping[str, Keys] | None = None,
) -> Catalogue:
    """Tell which models this installation has; raises SettingInvalid for a default that cannot be.

    `parts` are those of a gateway.yaml, whose providers stand in for those of the same name in the
    environment. `keys` are theirs; without them the catalogue is only good to look at.
    """
    specs = specs if specs is not None else find_specs()
    parts = parts or GatewayParts()
    leases = {name: lease for name, lease in _leases(settings, specs).items() if name not in parts.providers}
    own = keys or {name: OneKey(provider.leases()[0]) for name, provider in parts.providers.items()}
    held: dict[str, Keys] = {name: OneKey(lease) for name, lease in leases.items()} | dict(own)
    _check_features(settings.model_selection.default_models)
    # With models of one's own enabled, a made-up answer would look like theirs: better none.
    scripted = settings.mock_model_responses or not (held or settings.custom_models.enabled)
    prefixes, anything = _named_freely(leases, specs, parts)
    return Catalogue(
        keys=held,
        defaults={} if scripted else _defaults(settings, specs, held=held, models=parts.models),
        known=KNOWN_MODELS,
        custom_models=settings.custom_models.enabled,
        custom_headers=_extra_headers(settings),
        custom_hosts=settings.custom_models.allowed_hosts,
        scripted=scripted,
        models=parts.answering,
        prefixes=prefixes,
        open=anything,
    )


def _named_freely(
    leases: Mapping[str, Lease], specs: Mapping[str, ProviderSpec], parts: GatewayParts
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Tell whose models may be named though nobody wrote them down: by how a name begins, or all of them."""
    prefixes = [(prefix, name) for name in leases for prefix in specs[name].prefixes]
    anything = [name for name, lease in leases.items() if lease.base_url != specs[name].base_url]
    for name, provider in parts.providers.items():
        if not provider.any_model:
            continue
        prefixes += [(prefix, name) for prefix in provider.spec.prefixes]
        if not provider.spec.prefixes:
            anything.append(name)
    return tuple(prefixes), tuple(anything)


def _leases(settings: Settings, specs: Mapping[str, ProviderSpec]) -> dict[str, Lease]:
    """Give a lease for each configured provider: a key, or for OpenAI's API an address of one's own."""
    leases: dict[str, Lease] = {}
    configured = (
        ("anthropic", settings.anthropic_api_key, settings.anthropic_base_url),
        ("openai", settings.openai_api_key, settings.openai_base_url),
        ("fireworks_ai", settings.model_keys.fireworks_api_key, settings.fireworks_api_base_url),
    )
    for name, key, base_url in configured:
        keyless = name == "openai" and base_url.rstrip("/") != specs[name].base_url
        if key is None and not keyless:
            continue
        secret = None
        if key is not None:
            secret = Secret(_sendable(key.get_secret_value(), name=_KEY_VARIABLES[name]))
            redactor.learn(secret.reveal())
        leases[name] = Lease(base_url.rstrip("/"), secret)
    return leases


def _sendable(value: str, *, name: str) -> str:
    """Refuse what cannot stand in an HTTP header, before a call fails by it."""
    if not _HEADER_VALUE.fullmatch(value):
        message = f"{name} holds a character that cannot be sent, such as a line end; give the key alone."
        raise SettingInvalid(message)
    return value


def _extra_headers(settings: Settings) -> dict[str, str]:
    headers = settings.custom_models.extra_headers.get_secret_value()
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            message = f"AIGW_CUSTOM_MODELS__EXTRA_HEADERS names {name!r}, which is no name of an HTTP header."
            raise SettingInvalid(message)
        _sendable(value, name=f"AIGW_CUSTOM_MODELS__EXTRA_HEADERS ({name})")
    return headers


def _check_features(chosen: Mapping[str, Sequence[str]]) -> None:
    for feature, models in chosen.items():
        if feature not in FEATURE_SETTINGS:
            nearest = difflib.get_close_matches(feature, sorted(FEATURE_SETTINGS), n=1)
            cure = f"did you mean {nearest[0]!r}?" if nearest else "see docs/guides/models.md for those that are known."
            message = f"AIGW_MODEL_SELECTION__DEFAULT_MODELS names the feature {feature!r}; {cure}"
            raise SettingInvalid(message)
        if not models:
            message = f"AIGW_MODEL_SELECTION__DEFAULT_MODELS gives {feature!r} no model; name one, or leave it out."
            raise SettingInvalid(message)


def _defaults(
    settings: Settings,
    specs: Mapping[str, ProviderSpec],
    *,
    held: Mapping[str, Keys],
    models: Mapping[str, ModelRef],
) -> dict[Feature, ModelRef]:
    chosen = settings.model_selection.default_models
    defaults: dict[Feature, ModelRef] = {}
    for feature in FEATURES:
        wanted = chosen.get(feature) or chosen.get("code_suggestions") or ()
        if wanted:
            defaults[feature] = models.get(wanted[0]) or _parse_model(wanted[0], held)
            continue
        name = next((name for name in _PREFERENCE if name in held), None)
        if name is not None:
            defaults[feature] = ModelRef(name, specs[name].models[feature])
    return defaults


def _parse_model(identifier: str, held: Mapping[str, Keys]) -> ModelRef:
    provider, _, model = identifier.partition("/")
    ref = KNOWN_MODELS.get(identifier) or ModelRef(provider, model)
    if not ref.model or ref.provider not in held:
        configured = ", ".join(sorted(held)) or "none"
        message = (
            f"AIGW_MODEL_SELECTION__DEFAULT_MODELS names {identifier!r}; "
            f"write <provider>/<model> with a configured provider (configured: {configured})."
        )
        raise SettingInvalid(message)
    return ref


def build_providers(settings: Settings, specs: Mapping[str, ProviderSpec], http: HttpClient) -> dict[str, Provider]:
    """Build a provider for each that we know, whether it is configured or not."""
    found: dict[str, Provider] = {"scripted": ScriptedProvider()}
    for name, spec in specs.items():
        found[name] = build_provider(spec, settings, http)
    return found


def build_provider(spec: ProviderSpec, settings: Settings, http: HttpClient, *, allow_private: bool = True) -> Provider:
    """Build one; without `allow_private` it may not be on this machine or in a private network."""
    patience = settings.upstream
    deadlines = Deadlines(
        connect=Seconds(patience.connect_timeout),
        first_byte=Seconds(patience.first_byte_timeout),
        idle=Seconds(patience.idle_timeout),
        total=Seconds(patience.total_timeout),
    )
    return HttpProvider(spec, http, deadlines, patience.max_answer_bytes, allow_private=allow_private)


def model_limits(settings: Settings) -> dict[tuple[str, str], ModelLimits]:
    """Give the limits that metrics show, by engine and model."""
    limits = {
        (engine, model): ModelLimits(concurrency=count)
        for engine, models in settings.model_engine_concurrency_limits.items()
        for model, count in models.items()
    }
    for engine, models in settings.model_engine_limits.items():
        for model, given in models.items():
            limits[engine, model] = ModelLimits(
                given.concurrency, given.input_tokens, given.output_tokens, given.total_tokens
            )
    return limits
