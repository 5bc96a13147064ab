from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.identity.unit_primitives import (
    CATEGORY_OF,
    DUO_CORE_CUT_OFF,
    FEATURE_CATEGORIES,
    UNIT_PRIMITIVES,
    UNKNOWN_CATEGORY,
    duo_core_is_cut_off,
)

# As the contract spells them (gateway-api.md, 2.9), in its order.
CONTRACT = """
ask_build ask_commit ask_epic ask_issue ask_merge_request ask_work_item amazon_q_integration
amazon_q_integration_complete_code ai_gateway_model_provider_proxy categorize_duo_chat_question code_suggestions
complete_code documentation_search duo_chat duo_classic_chat duo_agent_platform duo_workflow_execute_workflow
duo_workflow_generate_token explain_code explain_vulnerability feature_discovery_search
fill_in_merge_request_template fix_code generate_code generate_commit_message generate_cube_query
generate_embeddings_codebase generate_issue_description glab_ask_git_command
include_file_context include_snippet_context include_issue_context include_merge_request_context
include_dependency_context include_local_git_context include_terminal_context include_repository_context
include_directory_context include_os_information_context include_agent_user_environment_context
measure_comment_temperature refactor_code resolve_vulnerability review_merge_request semantic_search_issue
summarize_comments summarize_issue_discussions summarize_merge_request summarize_new_merge_request
summarize_review summarize_submitted_review troubleshoot_job write_tests
"""

CATEGORIES = """
ai_abstraction_layer code_review_workflow code_suggestions continuous_integration duo_chat duo_agent_platform
global_search product_analytics_visualization source_code_management team_planning vulnerability_management
"""


def test_the_unit_primitives_are_those_of_the_contract() -> None:
    assert frozenset(CONTRACT.split()) == UNIT_PRIMITIVES


def test_the_feature_categories_are_those_of_the_contract() -> None:
    assert frozenset(CATEGORIES.split()) == FEATURE_CATEGORIES
    assert UNKNOWN_CATEGORY not in FEATURE_CATEGORIES


def test_each_unit_primitive_of_the_proxies_has_a_known_category() -> None:
    assert set(CATEGORY_OF) <= UNIT_PRIMITIVES
    assert set(CATEGORY_OF.values()) <= FEATURE_CATEGORIES


@pytest.mark.parametrize(
    ("category", "names"),
    [
        (
            "duo_chat",
            """ask_build ask_commit ask_epic ask_issue ask_merge_request ask_work_item categorize_duo_chat_question
            documentation_search duo_chat fix_code refactor_code write_tests""",
        ),
        ("source_code_management", "explain_code"),
        ("vulnerability_management", "explain_vulnerability resolve_vulnerability"),
        (
            "code_review_workflow",
            """fill_in_merge_request_template generate_commit_message glab_ask_git_command review_merge_request
            summarize_issue_discussions summarize_merge_request summarize_review summarize_submitted_review""",
        ),
        ("team_planning", "generate_issue_description summarize_comments"),
        ("product_analytics_visualization", "generate_cube_query"),
        ("global_search", "semantic_search_issue"),
        ("continuous_integration", "troubleshoot_job"),
        ("duo_agent_platform", "ai_gateway_model_provider_proxy"),
        ("code_suggestions", ""),
    ],
)
def test_the_proxies_count_each_category_as_the_contract_says(category: str, names: str) -> None:
    assert {name for name, its in CATEGORY_OF.items() if its == category} == set(names.split())


def test_duo_core_loses_classic_chat_when_the_process_says_so() -> None:
    assert duo_core_is_cut_off("duo_core", cutoff=True)
    assert DUO_CORE_CUT_OFF == "Duo Core no longer authorized to access Duo Classic Chat"


@given(st.none() | st.text() | st.sampled_from(["duo_pro", "Duo_Core", "duo_core ", "duo_core,duo_core"]))
def test_no_other_offer_loses_classic_chat(enablement_type: str | None) -> None:
    assert not duo_core_is_cut_off(enablement_type, cutoff=True) or enablement_type == "duo_core"


@given(st.none() | st.text() | st.just("duo_core"))
def test_nobody_loses_classic_chat_while_the_flag_is_off(enablement_type: str | None) -> None:
    assert not duo_core_is_cut_off(enablement_type, cutoff=False)
