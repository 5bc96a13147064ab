"""Settings of models and of the companies that serve them."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, Secret, SecretStr

from gateway_core.settings.kinds import (
    Accepts,
    CommaList,
    Count,
    Derived,
    Duration,
    Env,
    FilePath,
    FromJson,
    Host,
    HostPatterns,
    JsonObject,
    Passphrase,
    QuotedJson,
    Ratio,
    Region,
    Section,
    Url,
)


def _number_as_text(value: object) -> object:
    """Write a bare number as text; JSON has both."""
    return str(value) if isinstance(value, int) else value


def _checked_proxy(value: object) -> object:
    """Give back the URL of a proxy, with a scheme; anything else is refused, and never repeated: it can hold a password."""
    if not isinstance(value, str):
        return value
    text = value if "://" in value else f"http://{value}"
    if any(map(str.isspace, text)) or not _is_proxy(text):
        raise ValueError("is not the URL of a proxy")
    return text


def _is_proxy(text: str) -> bool:
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return named and parts.scheme in {"http", "https"} and parts.path in {"", "/"} and not parts.query + parts.fragment


ProxyUrl = Annotated[
    SecretStr,
    BeforeValidator(_checked_proxy),
    Accepts("a URL such as http://user:password@proxy.example:3128, or https:// for a proxy that is spoken to by TLS"),
]


class BedrockGuardrail(JsonObject):
    """A guardrail of Amazon Bedrock that every call passes through."""

    identifier: str = Field(alias="guardrailIdentifier", pattern=r"^([a-z0-9]+|arn:\S+)$")
    version: Annotated[str, BeforeValidator(_number_as_text)] = Field(
        default="", alias="guardrailVersion", pattern=r"^(DRAFT|[1-9][0-9]*)?$"
    )
    trace: Literal["enabled", "disabled"] = "disabled"


class RegionalEndpoint(JsonObject):
    """Where one region's deployment of a model is."""

    endpoint: Url
    identifier: str


class EngineLimits(JsonObject):
    """Limits that a provider grants us for one model; shown as metrics, not enforced."""

    concurrency: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None


class CustomModels(Section):
    """Models that the operator or a caller brings along."""

    enabled: bool = False
    """Self-hosted mode: callers may name their own model endpoint, and no cloud client is started."""

    disable_streaming: bool = False
    """Never ask a model for a stream, even when the caller wants one."""

    extra_headers: Annotated[
        FromJson[Secret[dict[str, str]]], Accepts('a JSON object of texts such as {"X-Team": "blue"}')
    ] = Secret({})
    """Headers added to every call to a custom model."""

    allowed_hosts: HostPatterns = ()
    """Hosts at which callers may name a model: a name or an address, with any port or one, `*.` for all below; not set: any."""


class DuoChat(Section):
    """Chat with a model."""

    max_tokens: Count | None = None
    """Longest answer of chat prompts in tokens; not set: what each prompt says."""

    model_request_timeout: Duration = 30.0
    """Seconds that chat waits for a model."""


class ModelKeys(Section):
    """Keys of providers that callers use without one of their own."""

    mistral_api_key: SecretStr | None = None
    """Key for Mistral's API."""

    fireworks_api_key: SecretStr | None = None
    """Key for the Fireworks API."""


class ModelEndpoints(Section):
    """Deployments at Fireworks."""

    fireworks_regional_endpoints: Annotated[
        FromJson[dict[str, RegionalEndpoint]],
        Accepts('a JSON object such as {"us": {"endpoint": "https://...", "identifier": "..."}}'),
    ] = Field(default={})
    """Deployment for each region, by the first letters of the location; `us` serves the rest."""

    fireworks_completion_endpoint: Url | None = None
    """Endpoint of the completion model."""

    fireworks_completion_identifier: str | None = None
    """Name of the completion model at that endpoint."""


class ModelSelection(Section):
    """Which model a feature uses, and with which parameters."""

    default_models: Annotated[
        FromJson[dict[str, tuple[str, ...]]], Accepts('a JSON object of lists such as {"duo_chat": ["model-id"]}')
    ] = Field(default={})
    """Models of a feature as `<provider>/<model>`, by feature; the first of a list answers."""

    model_params: Annotated[
        FromJson[Secret[dict[str, dict[str, object]]]],
        Accepts('a JSON object of objects such as {"model-id": {"temperature": 0}}'),
    ] = Secret({})
    """Parameters merged into the set-up of a model, by model; may hold its own `api_key`."""

    prompt_params: Annotated[
        FromJson[Secret[dict[str, dict[str, object]]]],
        Accepts('a JSON object of objects such as {"model-id": {"stop": ["END"]}}'),
    ] = Secret({})
    """Parameters merged into each call of a model, by model; may hold its own `api_key`."""


class BindToolsCache(Section):
    """Cache of models with their tools already attached."""

    enabled: bool = False
    """Keep such models for the next request."""

    max_size: Count = 128
    """How many are kept."""


class Mtls(Section):
    """Client certificate for endpoints that ask for one: models, and issuers of tokens."""

    enabled: bool = False
    """Show a client certificate to endpoints that ask for one; both files below must exist."""

    cert_file: FilePath | None = None
    """PEM file with the client certificate."""

    key_file: FilePath | None = None
    """PEM file with its private key."""

    key_password: Passphrase | None = None
    """Passphrase of the private key; white space counts."""

    verify: bool = True
    """Verify the certificates of model endpoints; those of issuers are always verified."""

    ca_bundle: FilePath | None = None
    """PEM file with the authorities to trust in place of the system's."""


class Aws(Section):
    """Credentials for Amazon Bedrock."""

    access_key_id: SecretStr | None = None
    """Id of the access key."""

    secret_access_key: SecretStr | None = None
    """The access key itself."""

    region_name: Region | None = None
    """Region of the Bedrock endpoint, such as us-east-1."""

    bearer_token_bedrock: SecretStr | None = None
    """Bedrock API key, used in place of the access key."""


class GoogleCloud(Section):
    """Google Cloud, for Vertex models and search."""

    project: str | None = None
    """Project that is called and billed."""

    location: Annotated[Region, Derived("`RUNWAY_REGION`, else `us-central1`")] = "us-central1"
    """Region of the endpoint."""

    service_account_json_key: QuotedJson | None = None
    """Key of a service account as JSON text; not set: the machine's own credentials."""


class VertexTextModel(Section):
    """Vertex models: each value is the one of AIGW_GOOGLE_CLOUD_PLATFORM unless set here."""

    project: Annotated[str | None, Derived("`AIGW_GOOGLE_CLOUD_PLATFORM__PROJECT`")] = None
    """Project that is called and billed for models."""

    location: Annotated[Region, Derived("`AIGW_GOOGLE_CLOUD_PLATFORM__LOCATION`")] = "us-central1"
    """Region of the model endpoint."""

    service_account_json_key: Annotated[
        QuotedJson | None, Derived("`AIGW_GOOGLE_CLOUD_PLATFORM__SERVICE_ACCOUNT_JSON_KEY`")
    ] = None
    """Key of a service account for models, as JSON text."""

    endpoint: Annotated[Host, Derived("`<location>-aiplatform.googleapis.com`")] = (
        "us-central1-aiplatform.googleapis.com"
    )
    """Host of the model endpoint."""


class VertexSearch(Section):
    """Vertex search: each value is the one of AIGW_GOOGLE_CLOUD_PLATFORM unless set here."""

    project: Annotated[str | None, Derived("`AIGW_GOOGLE_CLOUD_PLATFORM__PROJECT`")] = None
    """Project that holds the search data."""

    location: Annotated[Region, Derived("`AIGW_GOOGLE_CLOUD_PLATFORM__LOCATION`")] = "us-central1"
    """Region of the search data."""

    service_account_json_key: Annotated[
        QuotedJson | None, Derived("`AIGW_GOOGLE_CLOUD_PLATFORM__SERVICE_ACCOUNT_JSON_KEY`")
    ] = None
    """Key of a service account for search, as JSON text."""

    fallback_datastore_version: str | None = None
    """Version of the documentation that is searched when the caller's own has none, such as 17.0."""


class AmazonQ(Section):
    """Amazon Q."""

    region: Region | None = None
    """Region of the service."""

    endpoint_url: Url | None = None
    """Address of the service."""


class AbuseDetection(Section):
    """A sample of requests is rated for misuse; nothing is ever blocked."""

    enabled: bool = False
    """Rate a sample of proxy requests in the background."""

    sampling_rate: Ratio = 0.1
    """Share of the requests that is rated."""


class Providers(Section):
    """Models and providers."""

    anthropic_api_key: Annotated[SecretStr | None, Env("ANTHROPIC_API_KEY")] = None
    """Key for Anthropic's API; with it the Claude models answer at once."""

    anthropic_base_url: Annotated[Url, Env("ANTHROPIC_BASE_URL")] = "https://api.anthropic.com"
    """Where Anthropic's API is, without `/v1`."""

    openai_api_key: Annotated[SecretStr | None, Env("OPENAI_API_KEY")] = None
    """Key for OpenAI's API; with it the GPT models answer at once."""

    openai_base_url: Annotated[Url, Env("OPENAI_BASE_URL")] = "https://api.openai.com/v1"
    """Where OpenAI's API is, with `/v1`."""

    fireworks_api_base_url: Url = "https://api.fireworks.ai/inference/v1"
    """Where the Fireworks API is."""

    bedrock_guardrail_config: Annotated[
        FromJson[BedrockGuardrail | None],
        Accepts(
            'a JSON object such as {"guardrailIdentifier": "abc1", "guardrailVersion": "DRAFT", "trace": "enabled"}'
        ),
    ] = None
    """Guardrail of Amazon Bedrock that every Bedrock call passes through."""

    custom_models: CustomModels = CustomModels()

    duo_chat: DuoChat = DuoChat()

    model_keys: ModelKeys = ModelKeys()

    model_endpoints: ModelEndpoints = ModelEndpoints()

    model_engine_concurrency_limits: Annotated[
        FromJson[dict[str, dict[str, Count]]],
        Accepts('a JSON object of objects of numbers such as {"anthropic": {"claude-sonnet-4-5": 50}}'),
    ] = Field(default={})
    """Calls at a time that a provider grants, by engine and model; shown as a metric, not enforced."""

    model_engine_limits: Annotated[
        FromJson[dict[str, dict[str, EngineLimits]]],
        Accepts(
            'a JSON object such as {"anthropic": {"claude-sonnet-4-5": {"concurrency": 50, "input_tokens": 80000}}}'
        ),
    ] = Field(default={})
    """Limits that a provider grants, by engine and model; shown as metrics, not enforced."""

    default_prompts: Annotated[
        FromJson[dict[str, str]], Accepts('a JSON object of texts such as {"chat/react": "claude_3"}')
    ] = Field(default={})
    """Model family whose prompt is used, by prompt."""

    model_selection: ModelSelection = ModelSelection()

    bind_tools_cache: BindToolsCache = BindToolsCache()

    mtls: Mtls = Mtls()

    aws: Annotated[Aws, Env("AWS_")] = Aws()

    ssl_cert_file: Annotated[FilePath | None, Env("SSL_CERT_FILE")] = None
    """PEM file with the authorities to trust in calls to models."""

    requests_ca_bundle: Annotated[FilePath | None, Env("REQUESTS_CA_BUNDLE")] = None
    """PEM file with the authorities to trust, used where `SSL_CERT_FILE` is not set."""

    https_proxy: Annotated[ProxyUrl | None, Env("HTTPS_PROXY")] = None
    """Proxy that tunnels our calls to `https://` addresses."""

    http_proxy: Annotated[ProxyUrl | None, Env("HTTP_PROXY")] = None
    """Proxy for our calls to `http://` addresses."""

    no_proxy: Annotated[CommaList, Env("NO_PROXY")] = ()
    """Hosts called without a proxy, with those below them: names, addresses, networks, `*`; this machine always is."""

    google_cloud_platform: GoogleCloud = GoogleCloud()

    vertex_text_model: VertexTextModel = VertexTextModel()

    vertex_search: VertexSearch = VertexSearch()

    vertexai_location: Annotated[Region | None, Env("VERTEXAI_LOCATION")] = None
    """Vertex location for self-hosted models; not set: `global`."""

    amazon_q: AmazonQ = AmazonQ()

    abuse_detection: AbuseDetection = AbuseDetection()
