from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.inference.ports import Lease
from gateway_core.inference.wish import Feature, ModelWish
from gateway_core.kernel.errors import NoModelConfigured, PermissionMissing, RequestInvalid
from gateway_core.kernel.secret import Secret
from gateway_core.keys.model import OneKey
from gateway_core.routing.known import KNOWN_MODELS
from gateway_core.routing.model import Candidate, Catalogue, ModelRef
from gateway_core.routing.plan import choose

ANTHROPIC = Lease("https://anthropic.example", Secret("key-of-anthropic"))
OPENAI = Lease("https://openai.example/v1", Secret("key-of-openai"))
KEYS = {"anthropic": OneKey(ANTHROPIC), "openai": OneKey(OPENAI)}
DEFAULT = ModelRef("openai", "gpt-4.1-mini")
CLOUD = Catalogue(KEYS, {"code_completions": DEFAULT}, KNOWN_MODELS)
OWN = Catalogue({}, {}, KNOWN_MODELS, custom_models=True, custom_headers={"X-Team": "blue"})
ENDPOINT = "http://127.0.0.1:8000/v1"
KEY = Secret("key-of-caller")


def wish(
    provider: str = "",
    model: str = "",
    *,
    endpoint: str = "",
    api_key: Secret | None = None,
    identifier: str = "",
    feature: Feature = "code_completions",
) -> ModelWish:
    return ModelWish(feature, provider, model, endpoint, api_key, identifier)


def place(candidate: Candidate) -> tuple[str, str]:
    return candidate.provider, candidate.model


def refusal(wished: ModelWish, catalogue: Catalogue) -> str:
    with pytest.raises(RequestInvalid) as refused:
        choose(wished, catalogue)
    return str(refused.value)


# 1. Mock mode.


@pytest.mark.parametrize(
    "wished",
    [
        wish(),
        wish("anthropic", "claude-sonnet-4-5-20250929"),
        wish("litellm", "codestral", endpoint=ENDPOINT, api_key=KEY),
        wish(identifier="bedrock/x"),
    ],
)
@pytest.mark.parametrize("custom_models", [True, False])
def test_in_mock_mode_the_script_answers_whatever_was_wished_for(wished: ModelWish, *, custom_models: bool) -> None:
    catalogue = Catalogue(KEYS, {"code_completions": DEFAULT}, custom_models=custom_models, scripted=True)

    chosen = choose(wished, catalogue)

    assert (chosen.provider, chosen.engine, chosen.name) == ("scripted", "fake-provider", "fake-model")
    assert chosen.keys.lease() == Lease()


def test_in_mock_mode_the_family_is_that_of_the_model_that_was_wished_for() -> None:
    catalogue = Catalogue({}, {}, scripted=True)

    assert choose(wish("litellm", "codestral"), catalogue).profile.family == "codestral"
    assert (
        choose(wish("litellm", "codestral", identifier="custom_openai/qwen3-coder"), catalogue).profile.family == "qwen"
    )
    assert choose(wish(), catalogue).profile.family == "general"


# 2. A model that the caller brought along.


@pytest.mark.parametrize(
    ("wished", "member"),
    [
        (wish("litellm", "codestral", endpoint=ENDPOINT), "api_base"),
        (wish("litellm", "codestral", endpoint=ENDPOINT, api_key=KEY), "api_base"),
        (wish("litellm", "codestral", api_key=KEY), "api_key"),
    ],
)
def test_a_model_of_the_callers_own_is_refused_when_custom_models_are_off(wished: ModelWish, member: str) -> None:
    assert refusal(wished, CLOUD) == f"specifying custom models endpoint is disabled: {member} is not allowed"


def test_an_identifier_alone_is_refused_too_when_custom_models_are_off() -> None:
    assert refusal(wish(identifier="custom_openai/m"), CLOUD).startswith(
        "specifying custom models endpoint is disabled"
    )


def test_the_model_that_the_caller_brought_along_answers() -> None:
    chosen = choose(wish("litellm", "codestral", endpoint=f"{ENDPOINT}/", api_key=KEY), OWN)

    assert place(chosen) == ("compatible", "codestral")
    assert (chosen.engine, chosen.name, chosen.profile.family) == ("litellm", "codestral", "codestral")
    assert chosen.keys.lease() == Lease(ENDPOINT, KEY, {"X-Team": "blue"})


@pytest.mark.parametrize(
    ("wished", "expected"),
    [
        (wish("litellm", "mistral", endpoint=ENDPOINT, identifier="custom_openai/Mistral-7B"), "Mistral-7B"),
        (wish("litellm", "mistral", endpoint=ENDPOINT, identifier="Mistral-7B"), "Mistral-7B"),
        (wish("litellm", "mistral", endpoint=ENDPOINT, identifier="custom_openai/org/m-1"), "org/m-1"),
        (wish("litellm", "mistral", endpoint=ENDPOINT, identifier="custom_openai/"), "mistral"),
        (wish("", "", endpoint=ENDPOINT, identifier="text-completion-openai/m"), "m"),
    ],
)
def test_an_identifier_names_the_model_at_its_endpoint(wished: ModelWish, expected: str) -> None:
    assert place(choose(wished, OWN)) == ("compatible", expected)


@pytest.mark.parametrize(
    "platform", ["custom_openai", "openai", "hosted_vllm", "vllm", "ollama", "litellm", "codestral"]
)
def test_platforms_that_speak_the_openai_api_are_called_by_it(platform: str) -> None:
    assert place(choose(wish(endpoint=ENDPOINT, identifier=f"{platform}/m"), OWN)) == ("compatible", "m")


@pytest.mark.parametrize("endpoint", ["", "https://proxy.example"])
def test_anthropic_with_the_callers_key_needs_no_endpoint(endpoint: str) -> None:
    chosen = choose(wish(endpoint=endpoint, api_key=KEY, identifier="anthropic/claude-sonnet-4-5"), OWN)

    assert place(chosen) == ("anthropic", "claude-sonnet-4-5")
    assert (chosen.keys.lease().base_url, chosen.keys.lease().secret) == (endpoint or None, KEY)


def test_the_family_is_told_by_the_name_that_gitlab_gave_and_else_by_the_identifier() -> None:
    named = wish("litellm", "codestral", endpoint=ENDPOINT, identifier="custom_openai/qwen3-coder")
    unnamed = wish("litellm", "general", endpoint=ENDPOINT, identifier="custom_openai/qwen3-coder")

    assert choose(named, OWN).profile.family == "codestral"
    assert choose(unnamed, OWN).profile.family == "qwen"


def test_engine_and_name_of_an_unnamed_model_are_those_of_its_identifier() -> None:
    chosen = choose(wish(endpoint=ENDPOINT, identifier="custom_openai/m-1"), OWN)

    assert (chosen.engine, chosen.name) == ("litellm", "m-1")


@pytest.mark.parametrize(
    ("wished", "said"),
    [
        (
            wish("litellm", "codestral", api_key=KEY),
            "A self-hosted model needs its address: set model_endpoint, for example http://host:8000/v1.",
        ),
        (
            wish(identifier="custom_openai/m"),
            "A self-hosted model needs its address: set model_endpoint, for example http://host:8000/v1.",
        ),
        (
            wish("litellm", "m", endpoint="ftp://host/v1"),
            "model_endpoint must be an address such as http://host:8000/v1: http or https, no user and no query.",
        ),
        (
            wish("litellm", "m", endpoint="127.0.0.1:8000"),
            "model_endpoint must be an address such as http://host:8000/v1: http or https, no user and no query.",
        ),
        (wish("litellm", endpoint=ENDPOINT), "A self-hosted model needs a name: set model_name or model_identifier."),
        (
            wish(endpoint=ENDPOINT, identifier="custom_openai/"),
            "A self-hosted model needs a name: set model_name or model_identifier.",
        ),
        (
            wish("litellm", "m", api_key=KEY, identifier="bedrock/anthropic.claude"),
            (
                "Models of the platform 'bedrock' cannot be called yet; "
                "use one that speaks the OpenAI API (custom_openai/<model>) or anthropic/<model>."
            ),
        ),
    ],
)
def test_what_a_model_of_ones_own_lacks_is_said(wished: ModelWish, said: str) -> None:
    assert refusal(wished, OWN) == said


def test_a_platform_with_an_endless_name_is_not_repeated_whole() -> None:
    assert len(refusal(wish(endpoint=ENDPOINT, identifier="x" * 9_000 + "/m"), OWN)) < 300


# 3. A model of a configured provider.


@pytest.mark.parametrize(
    ("wished", "expected"),
    [
        (wish("anthropic", "claude-3-5-haiku-20241022"), ("anthropic", "claude-3-5-haiku-20241022")),
        (wish("openai", "gpt-4.1"), ("openai", "gpt-4.1")),
        (wish("gitlab", "claude_sonnet_4_5_20250929"), ("anthropic", "claude-sonnet-4-5-20250929")),
        (wish("", "claude_sonnet_4_20250514_vertex"), ("anthropic", "claude-sonnet-4-20250514")),
        (wish("vertex-ai", "claude-sonnet-4-5@20250929"), ("anthropic", "claude-sonnet-4-5-20250929")),
        (wish("anthropic", "claude-sonnet-4-5@20250929"), ("anthropic", "claude-sonnet-4-5-20250929")),
    ],
)
def test_a_model_of_a_configured_provider_is_taken(wished: ModelWish, expected: tuple[str, str]) -> None:
    chosen = choose(wished, CLOUD)

    assert place(chosen) == (chosen.engine, chosen.name) == expected
    assert chosen.keys.lease() is KEYS[expected[0]].held


def test_a_candidate_knows_what_its_family_can_do() -> None:
    assert choose(wish("anthropic", "claude-sonnet-4-5-20250929"), CLOUD).profile.window == 200_000


# 4. Anything else.


@pytest.mark.parametrize(
    "wished",
    [
        wish(),
        wish("anthropic"),
        wish("", "claude-sonnet-4-5-20250929"),
        wish("vertex-ai", "code-gecko@002"),
        wish("gitlab", "codestral_2508_vertex"),
        wish("litellm", "codestral"),
        wish("fireworks_ai", "qwen2p5-coder-7b"),
    ],
)
def test_whatever_is_not_configured_falls_to_the_default_of_the_feature(wished: ModelWish) -> None:
    chosen = choose(wished, CLOUD)

    assert place(chosen) == (chosen.engine, chosen.name) == ("openai", "gpt-4.1-mini")
    assert chosen.keys.lease() is OPENAI


def test_a_known_model_whose_provider_is_not_configured_falls_to_the_default() -> None:
    catalogue = Catalogue({"openai": OneKey(OPENAI)}, {"code_completions": DEFAULT}, KNOWN_MODELS)

    assert place(choose(wish("gitlab", "claude_sonnet_4_5_20250929"), catalogue)) == ("openai", "gpt-4.1-mini")


@pytest.mark.parametrize("catalogue", [CLOUD, OWN], ids=["no default for it", "nothing configured"])
def test_without_any_model_for_a_feature_the_operator_is_told_what_to_set(catalogue: Catalogue) -> None:
    with pytest.raises(NoModelConfigured) as refused:
        choose(wish(feature="code_generations"), catalogue)

    assert str(refused.value) == (
        "No model is configured for code_generations; set ANTHROPIC_API_KEY or OPENAI_API_KEY, and restart."
    )


# Whatever happens.

PROVIDERS = ("anthropic", "openai", "fireworks_ai")
names = st.sampled_from(["", *PROVIDERS, "vertex-ai", "litellm", "codestral", "gitlab", "amazon_q"]) | st.text(
    max_size=8
)
models = st.sampled_from(["", "codestral", "gpt-4.1", *KNOWN_MODELS]) | st.text(max_size=8)
wishes = st.builds(
    ModelWish,
    feature=st.sampled_from(["code_completions", "code_generations"]),
    provider=names,
    model=models,
    endpoint=st.sampled_from(["", ENDPOINT, "nonsense"]),
    api_key=st.none() | st.just(KEY),
    identifier=st.just("") | st.builds("{}/{}".format, names, models) | st.text(max_size=8),
)


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """Draw an installation; its defaults are models of providers that it has, as `build_catalogue` sees to."""
    present = draw(st.lists(st.sampled_from(PROVIDERS), unique=True))
    refs = st.builds(ModelRef, st.sampled_from(present), models) if present else st.nothing()
    features: st.SearchStrategy[Feature] = st.sampled_from(["code_completions", "code_generations"])
    return Catalogue(
        keys={name: OneKey(Lease(f"https://{name}.example", Secret(f"key-of-{name}"))) for name in present},
        defaults=draw(st.dictionaries(features, refs)) if present else {},
        known=KNOWN_MODELS,
        custom_models=draw(st.booleans()),
        scripted=draw(st.booleans()),
    )


@given(wishes, catalogues())
def test_nobody_is_given_a_lease_that_is_not_theirs(wished: ModelWish, catalogue: Catalogue) -> None:
    try:
        chosen = choose(wished, catalogue)
    except (RequestInvalid, NoModelConfigured):
        assert not catalogue.scripted
        return

    if catalogue.scripted:
        assert chosen.keys.lease() == Lease()
    elif wished.self_hosted:
        # A key of the installation must never go to an address that a caller gave.
        assert catalogue.custom_models
        assert chosen.keys.lease().secret is wished.api_key
        assert chosen.keys.lease().base_url in {None, ENDPOINT}
    else:
        assert chosen.keys.lease() is catalogue.keys[chosen.provider].lease()


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://h/admin#a",
        "http://h/delete?x=",
        "http://h?x",
        "http://u:p@h/v1",
        "http://h/v 1",
        "https://",
        "http://h/\n",
    ],
)
def test_an_address_that_would_lead_elsewhere_is_refused_and_not_repeated(endpoint: str) -> None:
    said = refusal(wish("litellm", "m", endpoint=endpoint), OWN)

    assert said.startswith("model_endpoint must be an address")
    assert endpoint not in said


@pytest.mark.parametrize("endpoint", ["http://h", "https://h.test:8443/a/b-c_d~e/v1/", "http://[::1]:8000/v1"])
def test_a_plain_address_is_taken(endpoint: str) -> None:
    assert choose(wish("litellm", "m", endpoint=endpoint), OWN).keys.lease().base_url == endpoint.rstrip("/")


@pytest.mark.parametrize("endpoint", ["http://h:99999/v1", "http://h:x/v1", "http://[::1/v1"])
def test_an_address_with_an_impossible_host_or_port_is_refused(endpoint: str) -> None:
    assert refusal(wish("litellm", "m", endpoint=endpoint), OWN).startswith("model_endpoint must be an address")


LISTED = replace(OWN, custom_hosts=("models.example:8000", "*.gpu.example"))


@pytest.mark.parametrize("endpoint", ["http://models.example:8000/v1", "https://a.gpu.example/v1"])
def test_a_model_at_a_listed_host_answers(endpoint: str) -> None:
    assert choose(wish("litellm", "m", endpoint=endpoint), LISTED).keys.lease().base_url == endpoint


@pytest.mark.parametrize(
    ("endpoint", "named"),
    [
        (ENDPOINT, "'127.0.0.1' with port 8000"),
        ("http://models.example/v1", "'models.example' with port 80"),
        ("https://gpu.example/secret-path", "'gpu.example' with port 443"),
        ("http://169.254.169.254/latest", "'169.254.169.254' with port 80"),
    ],
)
@pytest.mark.parametrize("identifier", ["", "custom_openai/m", "anthropic/claude-sonnet-4-5"])
def test_a_model_at_any_other_host_is_refused_by_its_name(endpoint: str, named: str, identifier: str) -> None:
    assert refusal(wish("litellm", "m", endpoint=endpoint, identifier=identifier), LISTED) == (
        f"model_endpoint: the host {named} is not one that this gateway calls; "
        "its operator can add it to AIGW_CUSTOM_MODELS__ALLOWED_HOSTS."
    )


def test_a_listed_host_is_no_way_around_custom_models_that_are_off() -> None:
    off = replace(LISTED, custom_models=False)

    assert refusal(wish("litellm", "m", endpoint="http://models.example:8000"), off).startswith(
        "specifying custom models endpoint is disabled"
    )


def test_a_host_with_an_endless_name_is_not_repeated_whole() -> None:
    assert len(refusal(wish("litellm", "m", endpoint=f"http://{'x' * 9_000}/v1"), LISTED)) < 500


# A caller who is limited to some models.


@pytest.mark.parametrize("allowed", ["gpt-4.1-mini", "openai/gpt-4.1-mini"])
def test_a_caller_may_be_limited_to_the_model_that_answers(allowed: str) -> None:
    limited = replace(wish(), allowed=frozenset({allowed, "another"}))

    assert place(choose(limited, CLOUD)) == ("openai", "gpt-4.1-mini")


@pytest.mark.parametrize("wished", [wish(), wish("anthropic", "claude-sonnet-4-5-20250929")])
def test_a_caller_limited_to_other_models_is_refused_and_told_which(wished: ModelWish) -> None:
    limited = replace(wished, allowed=frozenset({"b", "a", "gpt-4.1"}))

    with pytest.raises(PermissionMissing, match=r"; it may use a, b, gpt-4\.1\.$"):
        choose(limited, CLOUD)


def test_a_made_up_answer_is_nobodys_model() -> None:
    scripted = Catalogue({}, {}, scripted=True)

    assert choose(replace(wish(), allowed=frozenset({"a"})), scripted).provider == "scripted"
