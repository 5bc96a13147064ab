"""Servers that speak the OpenAI API: one row each.

`compatible` has no address of its own; a lease brings any (vLLM, Ollama, a cloud).
"""

from gateway_core.dialects import openai_chat, openai_completions
from gateway_core.providers.auth import bearer
from gateway_core.providers.spec import Endpoint, PromptKind, ProviderSpec

_ENDPOINTS: dict[PromptKind, Endpoint] = {
    "conversation": Endpoint("/chat/completions", openai_chat),
    "completion": Endpoint("/completions", openai_completions),
}

PROVIDERS = (
    ProviderSpec("compatible", None, bearer, _ENDPOINTS, {}),
    ProviderSpec(
        "fireworks_ai",
        "https://api.fireworks.ai/inference/v1",
        bearer,
        _ENDPOINTS,
        {
            "code_completions": "accounts/fireworks/models/qwen2p5-coder-7b",
            "code_generations": "accounts/fireworks/models/qwen3-coder-480b-a35b-instruct",
        },
    ),
)
