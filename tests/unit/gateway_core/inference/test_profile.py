from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.inference.profile import Family, profile_of


@pytest.mark.parametrize(
    ("model", "family", "window"),
    [
        ("claude-sonnet-4-5-20250929", "claude", 200_000),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", "claude", 200_000),
        ("claude_3", "claude", 200_000),
        ("gpt-4.1-mini", "gpt", 128_000),
        ("gemini-2.5-flash", "gemini", 200_000),
        ("codestral-2508", "codestral", 32_768),
        ("codegemma:7b", "codegemma", 8_192),
        ("codellama", "codellama", 16_384),
        ("meta/code-llama-13b", "codellama", 16_384),
        ("deepseekcoder", "deepseekcoder", 32_768),
        ("deepseek-coder-33b-base", "deepseekcoder", 32_768),
        ("starcoder2", "starcoder", 16_384),
        ("granite-3b-code", "granite", 8_192),
        ("mixtral-8x22b", "mixtral", 32_768),
        ("mistral-7b", "mistral", 32_768),
        ("devstral-small", "mistral", 32_768),
        ("ministral-8b", "mistral", 32_768),
        ("qwen2p5-coder-7b", "qwen", 32_768),
        ("Qwen2.5-Coder-32B", "qwen", 32_768),
        ("accounts/fireworks/models/qwen3-coder-480b-a35b-instruct", "qwen", 32_768),
        ("llama3", "llama", 32_768),
        ("my-own-model", "general", 32_768),
        ("", "general", 32_768),
    ],
)
def test_a_model_is_known_by_its_name(model: str, family: Family, window: int) -> None:
    profile = profile_of(model)

    assert (profile.family, profile.window) == (family, window)


@given(st.text(), st.sampled_from(["codestral", "CodeGemma", "CODELLAMA", "mixtral", "claude", "starcoder"]))
def test_capitals_do_not_matter(before: str, name: str) -> None:
    assert profile_of(before + name) == profile_of((before + name).lower())


@given(st.text())
def test_any_name_at_all_has_a_profile_with_room_for_a_prompt(model: str) -> None:
    profile = profile_of(model)

    assert profile.family in get_args(Family)
    assert profile.window >= 8_192
