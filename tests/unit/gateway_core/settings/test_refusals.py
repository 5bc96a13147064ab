"""What an operator reads when a setting does not fit."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from gateway_core.kernel.errors import SettingInvalid
from gateway_core.settings.catalogue import Setting, all_settings
from gateway_core.settings.load import load_settings

SECRET = "sk-very-secret"


def refusal(environ: dict[str, str], *, env_file: Path | None = None) -> str:
    with pytest.raises(SettingInvalid) as refused:
        load_settings(environ, env_file=env_file)
    return str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "AIGW_FASTAPI__API_PORT",
            "abc",
            "AIGW_FASTAPI__API_PORT='abc' is not a whole number; give a port from 0 to 65535.",
        ),
        ("aigw_Fastapi__api_port", "-1", "aigw_Fastapi__api_port='-1' is too small; give a port from 0 to 65535."),
        (
            "AIGW_FASTAPI__API_PORT",
            "65536",
            "AIGW_FASTAPI__API_PORT='65536' is too large; give a port from 0 to 65535.",
        ),
        ("WEB_CONCURRENCY", "1.5", "WEB_CONCURRENCY='1.5' is not a whole number; give a whole number of 1 or more."),
        (
            "AIGW_UPSTREAM__IDLE_TIMEOUT",
            "1m",
            "AIGW_UPSTREAM__IDLE_TIMEOUT='1m' is not a number; give a number of seconds above 0, at most 604800.",
        ),
        (
            "AIGW_UPSTREAM__IDLE_TIMEOUT",
            "nan",
            "AIGW_UPSTREAM__IDLE_TIMEOUT='nan' is not a finite number; give a number of seconds above 0, at most 604800.",
        ),
        (
            "AIGW_AUTH__BYPASS_EXTERNAL",
            "maybe",
            "AIGW_AUTH__BYPASS_EXTERNAL='maybe' is neither true nor false; give true or false.",
        ),
        (
            "AIGW_LOGGING__LEVEL",
            "loud",
            "AIGW_LOGGING__LEVEL='loud' is not one of the known words; give DEBUG, INFO, WARNING, ERROR or CRITICAL.",
        ),
        (
            "AIGW_FASTAPI__API_HOST",
            "0.0.0.0:80",
            "AIGW_FASTAPI__API_HOST='0.0.0.0:80' holds a port; give a host name or an IP address, without a port.",
        ),
        (
            "AIGW_FASTAPI__DOCS_URL",
            "docs",
            "AIGW_FASTAPI__DOCS_URL='docs' does not have the right form; give a path that begins with /.",
        ),
        (
            "AIGW_DEFAULT_PROMPTS",
            "a=b",
            'AIGW_DEFAULT_PROMPTS=\'a=b\' is not JSON; give a JSON object of texts such as {"chat/react": "claude_3"}.',
        ),
        (
            "AIGW_DEFAULT_PROMPTS",
            "[1]",
            (
                "AIGW_DEFAULT_PROMPTS='[1]' is not an object;"
                ' give a JSON object of texts such as {"chat/react": "claude_3"}.'
            ),
        ),
        (
            "AIGW_DEFAULT_PROMPTS",
            '{"a": 1}',
            (
                "AIGW_DEFAULT_PROMPTS='{\"a\": 1}' does not fit: 'a' is not text;"
                ' give a JSON object of texts such as {"chat/react": "claude_3"}.'
            ),
        ),
    ],
)
def test_the_line_says_which_what_is_wrong_and_what_is_accepted(name: str, value: str, message: str) -> None:
    assert refusal({name: value}) == message


def test_of_several_the_first_is_explained_and_the_others_are_named() -> None:
    message = refusal({"AIGW_FASTAPI__API_PORT": "a", "aigw_mtls__verify": "b", "WEB_CONCURRENCY": "c"})

    assert message.count("; give ") == 1
    # The tree's own order decides which one is first.
    named = {"AIGW_FASTAPI__API_PORT", "aigw_mtls__verify", "WEB_CONCURRENCY"}
    first = message.partition("=")[0]
    others = message.partition(" (and 2 more: ")[2].removesuffix(")").split(", ")
    assert {first, *others} == named


def test_a_variable_with_two_faults_is_named_once() -> None:
    message = refusal({"AIGW_DEFAULT_PROMPTS": '{"a": 1, "b": 2}'})

    assert "more" not in message


def test_a_value_inherited_by_others_is_refused_once_under_its_own_name() -> None:
    assert refusal({"AIGW_GITLAB_URL": "git.example"}) == (
        "AIGW_GITLAB_URL='git.example' is not a URL; give a URL that begins with http:// or https://."
    )


def test_a_value_from_the_file_is_refused_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "some.env"
    file.write_text("WEB_CONCURRENCY=none\n", encoding="utf-8")

    assert refusal({}, env_file=file) == (
        f"WEB_CONCURRENCY='none' (in {str(file)!r}) is not a whole number; give a whole number of 1 or more."
    )


def test_a_long_value_is_shortened() -> None:
    message = refusal({"WEB_CONCURRENCY": "9x" * 500})

    assert len(message) < 160
    assert "…" in message


def test_line_ends_inside_a_value_do_not_break_the_line() -> None:
    assert "\n" not in refusal({"WEB_CONCURRENCY": "a\nb"})


def test_the_password_of_a_url_is_not_shown() -> None:
    assert SECRET not in refusal({"OPENAI_BASE_URL": f"ftp://me:{SECRET}@example"})


@pytest.mark.parametrize("setting", [s for s in all_settings() if s.is_secret], ids=lambda s: s.variable)
@pytest.mark.parametrize("shape", [SECRET, f'{{"{SECRET}": 1}}', f'["{SECRET}"]', f'{{"{SECRET}": "{SECRET}"'])
def test_a_secret_is_never_shown_not_even_when_it_is_wrong(setting: Setting, shape: str) -> None:
    try:
        settings = load_settings({setting.variable: shape}, env_file=None)
        shown = f"{settings!r} {settings} {settings.model_dump()}"
    except SettingInvalid as error:
        shown = "".join(traceback.format_exception(error))
    assert SECRET not in shown


def test_a_secret_inside_a_section_is_not_shown_when_it_is_wrong() -> None:
    message = refusal({"AIGW_MODEL_KEYS": f'{{"mistral_api_key": ["{SECRET}"]}}'})

    assert message == "AIGW_MODEL_KEYS (mistral_api_key) is not text; give text."
