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

FEATURE_SETTINGS = frozenset(
    [
        "categorize_question",
        "code_completions",
        "code_generations",
        "code_suggestions",
        "duo_agent_platform",
        "duo_agent_platform_agentic_chat",
        "duo_chat",
        "duo_chat_explain_code",
        "duo_chat_explain_vulnerability",
        "duo_chat_fix_code",
        "duo_chat_refactor_code",
        "duo_chat_summarize_comments",
        "duo_chat_troubleshoot_job",
        "duo_chat_write_tests",
        "duo_generate_issue_description",
        "embeddings_code",
        "feature_discovery_search",
        "generate_commit_message",
        "generate_description",
        "glab_ask_git_command",
        "measure_comment_temperature",
        "model_configuration",
        "recommend_reviewers_assign",
        "recommend_reviewers_post",
        "resolve_dependency_bump",
        "resolve_vulnerability",
        "review_merge_request",
        "review_merge_request_dap",
        "security_review",
        "summarize_new_merge_request",
        "summarize_review",
        "workflow",
    ]
)
"""Features that GitLab lets an administrator choose a model for; `code_suggestions` stands for both kinds.

Source: HTTP specification, section 1.10.
"""
