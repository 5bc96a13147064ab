"""Model names that GitLab sends, and the models that they mean.

A name that is not here, or whose provider is not configured, falls to the default
of the feature. Source: HTTP specification, section 1.5.1.
"""

from gateway_core.routing.model import ModelRef

_SONNET_4 = ModelRef("anthropic", "claude-sonnet-4-20250514")
_SONNET_4_5 = ModelRef("anthropic", "claude-sonnet-4-5-20250929")

KNOWN_MODELS = {
    "claude_sonnet_4_20250514": _SONNET_4,
    "claude_sonnet_4_20250514_vertex": _SONNET_4,
    "claude_sonnet_4_5_20250929": _SONNET_4_5,
    "claude_sonnet_4_5_20250929_vertex": _SONNET_4_5,
    "anthropic/claude-sonnet-4-5@20250929": _SONNET_4_5,
    "vertex-ai/claude-sonnet-4-5@20250929": _SONNET_4_5,
}
