"""The features that a caller may hold, and the category that each is counted under."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

UNKNOWN_CATEGORY: Final = "unknown"
"""The feature category of a request for which none was set."""

FEATURE_CATEGORIES: Final = frozenset(
    {
        "ai_abstraction_layer",
        "code_review_workflow",
        "code_suggestions",
        "continuous_integration",
        "duo_agent_platform",
        "duo_chat",
        "global_search",
        "product_analytics_visualization",
        "source_code_management",
        "team_planning",
        "vulnerability_management",
    }
)
"""Every feature category that a request may be counted under, without `unknown`."""

_BY_CATEGORY: Final = {
    "duo_chat": (
        "ask_build",
        "ask_commit",
        "ask_epic",
        "ask_issue",
        "ask_merge_request",
        "ask_work_item",
        "categorize_duo_chat_question",
        "documentation_search",
        "duo_chat",
        "fix_code",
        "refactor_code",
        "write_tests",
    ),
    "source_code_management": ("explain_code",),
    "vulnerability_management": ("explain_vulnerability", "resolve_vulnerability"),
    "code_review_workflow": (
        "fill_in_merge_request_template",
        "generate_commit_message",
        "glab_ask_git_command",
        "review_merge_request",
        "summarize_issue_discussions",
        "summarize_merge_request",
        "summarize_review",
        "summarize_submitted_review",
    ),
    "team_planning": ("generate_issue_description", "summarize_comments"),
    "product_analytics_visualization": ("generate_cube_query",),
    "global_search": ("semantic_search_issue",),
    "continuous_integration": ("troubleshoot_job",),
    "duo_agent_platform": ("ai_gateway_model_provider_proxy",),
}

CATEGORY_OF: Final[Mapping[str, str]] = MappingProxyType(
    {name: category for category, names in _BY_CATEGORY.items() for name in names}
)
"""The category of each unit primitive that the proxies and `/v1/chat` take; no other opens those doors."""

_WITHOUT_CATEGORY: Final = frozenset(
    {
        "amazon_q_integration",
        "amazon_q_integration_complete_code",
        "code_suggestions",
        "complete_code",
        "duo_agent_platform",
        "duo_classic_chat",
        "duo_workflow_execute_workflow",
        "duo_workflow_generate_token",
        "feature_discovery_search",
        "generate_code",
        "generate_embeddings_codebase",
        "include_agent_user_environment_context",
        "include_dependency_context",
        "include_directory_context",
        "include_file_context",
        "include_issue_context",
        "include_local_git_context",
        "include_merge_request_context",
        "include_os_information_context",
        "include_repository_context",
        "include_snippet_context",
        "include_terminal_context",
        "measure_comment_temperature",
        "summarize_new_merge_request",
    }
)

UNIT_PRIMITIVES: Final[frozenset[str]] = _WITHOUT_CATEGORY | CATEGORY_OF.keys()
"""Every unit primitive that we know; a token may carry others, and they open nothing here."""

DUO_CORE_CUT_OFF: Final = "Duo Core no longer authorized to access Duo Classic Chat"
"""What a caller reads whom `duo_core_is_cut_off` refuses; the status is 403."""


def duo_core_is_cut_off(enablement_type: str | None, *, cutoff: bool) -> bool:
    """Tell whether classic chat is refused to a caller who has it only through Duo Core.

    `enablement_type` is the header `X-Gitlab-Feature-Enablement-Type`, and `cutoff` the process's flag.
    """
    return cutoff and enablement_type == "duo_core"
