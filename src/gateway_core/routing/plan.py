"""Choose who answers: pure, from a wish and a catalogue.

1. Mock mode: the scripted provider, whatever was wished for.
2. A model that the caller brought along (endpoint, key or identifier): that one, when
   custom models are enabled and its host is one of those listed, else a refusal.
3. A model of a provider that is configured here: that one.
4. Anything else: the installation's default for the feature. GitLab names models
   by its own defaults, so a name that is not configured is no reason to fail;
   the answer says which model it really was.

A caller who is limited to some models is refused when the choice is none of them.
"""

from __future__ import annotations

import re

from gateway_core.inference.ports import Lease
from gateway_core.inference.profile import profile_of
from gateway_core.inference.wish import ModelWish
from gateway_core.kernel.errors import NoModelConfigured, PermissionMissing, RequestInvalid
from gateway_core.keys.model import OneKey
from gateway_core.routing.hosts import host_of, is_listed
from gateway_core.routing.model import Candidate, Catalogue, ModelRef

SCRIPTED = "scripted"
COMPATIBLE = "compatible"

# What mock mode calls its models; source: HTTP specification, section 8.1.
_MOCKED_PROMPT = ("fake-provider", "fake-model")
_MOCKED_CHAT = ("chat-model-provider-mocked", "chat-model-mocked")

_ADDRESS = re.compile(r"https?://[^\s/?#@\x00-\x1f\x7f-\U0010ffff]+(?:/[!\"$->@-~]*)?")
# The longest that a name can be; RFC 1035, section 2.3.4.
_LONGEST_HOST = 253
_GATE = "specifying custom models endpoint is disabled"
_COMPATIBLE_NAMES = frozenset(
    {
        "",
        "codestral",
        "custom_openai",
        "hosted_vllm",
        "litellm",
        "ollama",
        "openai",
        "text-completion-custom_openai",
        "text-completion-openai",
        "vllm",
    }
)


def choose(wish: ModelWish, catalogue: Catalogue) -> Candidate:
    """Give the candidate.

    Raises RequestInvalid for what may not be asked, NoModelConfigured when nothing is
    there, and PermissionMissing when the caller is limited to other models.
    """
    if catalogue.scripted:
        return _scripted(wish)
    candidate = _choose(wish, catalogue)
    if wish.allowed and not wish.allowed & {candidate.model, f"{candidate.provider}/{candidate.model}"}:
        message = f"This key may not use the model {candidate.model!r}; it may use {', '.join(sorted(wish.allowed))}."
        raise PermissionMissing(message)
    return candidate


def _choose(wish: ModelWish, catalogue: Catalogue) -> Candidate:
    if wish.self_hosted:
        return _self_hosted(wish, catalogue)
    ref = _wished(wish, catalogue) or catalogue.defaults.get(wish.feature)
    if ref is None:
        message = f"No model is configured for {wish.feature}; set ANTHROPIC_API_KEY or OPENAI_API_KEY, and restart."
        raise NoModelConfigured(message)
    return candidate_of(ref, catalogue)


def candidate_of(ref: ModelRef, catalogue: Catalogue) -> Candidate:
    """Give the candidate that a model of a configured provider is."""
    profile = ref.profile or profile_of(ref.model)
    keys = catalogue.keys[ref.provider]
    return Candidate(ref.provider, ref.model, keys, ref.provider, ref.model, profile, ref.unsupported)


def _scripted(wish: ModelWish) -> Candidate:
    family = profile_of(wish.identifier or wish.model)
    engine, name = _MOCKED_CHAT if wish.ready_made else _MOCKED_PROMPT
    return Candidate(SCRIPTED, wish.model or SCRIPTED, OneKey(Lease()), engine, name, family)


def _wished(wish: ModelWish, catalogue: Catalogue) -> ModelRef | None:
    """Give what was asked for, when it is configured here."""
    ref = catalogue.known.get(f"{wish.provider}/{wish.model}") or catalogue.known.get(wish.model)
    if ref is None and wish.model and wish.provider in catalogue.keys:
        ref = ModelRef(wish.provider, wish.model)
    return ref if ref is not None and ref.provider in catalogue.keys else None


def _self_hosted(wish: ModelWish, catalogue: Catalogue) -> Candidate:
    if not catalogue.custom_models:
        member = "api_base" if wish.endpoint else "api_key" if wish.api_key else "identifier"
        raise RequestInvalid(f"{_GATE}: {member} is not allowed")
    named, slash, model = wish.identifier.partition("/")
    if not slash:
        named, model = "custom_openai", wish.identifier
    provider = _provider_of(named if wish.identifier else wish.provider)
    if provider == COMPATIBLE and not wish.endpoint:
        raise RequestInvalid(
            "A self-hosted model needs its address: set model_endpoint, for example http://host:8000/v1."
        )
    if wish.endpoint:
        _check_address(wish.endpoint, catalogue)
    model = model or wish.model
    if not model:
        raise RequestInvalid("A self-hosted model needs a name: set model_name or model_identifier.")
    family = profile_of(wish.model)
    if family.family == "general":
        family = profile_of(model)
    lease = Lease(wish.endpoint.rstrip("/") or None, wish.api_key, catalogue.custom_headers)
    engine = wish.provider or "litellm"
    return Candidate(provider, model, OneKey(lease), engine, wish.model or model, family)


def _check_address(endpoint: str, catalogue: Catalogue) -> None:
    found = host_of(endpoint) if _ADDRESS.fullmatch(endpoint) else None
    if found is None:
        raise RequestInvalid(
            "model_endpoint must be an address such as http://host:8000/v1: http or https, no user and no query."
        )
    host, port = found
    if catalogue.custom_hosts and not is_listed(host, port, patterns=catalogue.custom_hosts):
        message = (
            f"model_endpoint: the host {host[:_LONGEST_HOST]!r} with port {port} is not one that this gateway calls; "
            "its operator can add it to AIGW_CUSTOM_MODELS__ALLOWED_HOSTS."
        )
        raise RequestInvalid(message)


def _provider_of(named: str) -> str:
    if named in _COMPATIBLE_NAMES:
        return COMPATIBLE
    if named == "anthropic":
        return "anthropic"
    message = (
        f"Models of the platform {named[:64]!r} cannot be called yet; "
        "use one that speaks the OpenAI API (custom_openai/<model>) or anthropic/<model>."
    )
    raise RequestInvalid(message)
