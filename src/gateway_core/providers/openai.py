"""OpenAI."""

from gateway_core.dialects import openai_chat, openai_completions
from gateway_core.providers.auth import bearer
from gateway_core.providers.spec import Endpoint, ProviderSpec

PROVIDER = ProviderSpec(
    name="openai",
    base_url="https://api.openai.com/v1",
    auth=bearer,
    endpoints={
        "conversation": Endpoint("/chat/completions", openai_chat),
        "completion": Endpoint("/completions", openai_completions),
    },
    models={"code_completions": "gpt-4.1-mini", "code_generations": "gpt-4.1"},
)
