"""`ai-gateway check`, in this process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest
from typer.testing import CliRunner, Result

from ai_gateway.command_line import app

FINE = """
providers:
  anthropic: {keys: [env:ANTHROPIC_API_KEY, file:more.keys]}
  local: {dialect: openai_chat, base_url: http://127.0.0.1:8000/v1, allow_private: true}
  aws: {dialect: openai_chat, base_url: https://a.example, access_key_id: env:ID, secret_access_key: env:CI_KEY}
models:
  coder: {provider: local, upstream: qwen3-coder}
routes:
  heavy: {candidates: [anthropic/claude-x, coder]}
clients:
  - {name: ci, key: env:CI_KEY, models: [heavy], expires: 2031-01-01}
  - {name: all, key: env:ALL_KEY}
"""
SECRETS = {
    "ANTHROPIC_API_KEY": "the-key-of-anthropic",
    "CI_KEY": "the-key-of-the-build",
    "ALL_KEY": "the-key-of-them-all",
    "ID": "the-id-of-the-cloud",
}


class RunCheck(Protocol):
    """Run `ai-gateway check` with these words and variables, in the folder of the test."""

    def __call__(self, *words: str, environ: Mapping[str, str] = ...) -> Result: ...


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunCheck:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gateway.yaml").write_text(FINE)
    (tmp_path / "more.keys").write_text("the-key-of-a-file\nanother-key-of-a-file\n")

    def check(*words: str, environ: Mapping[str, str] = SECRETS) -> Result:
        home = {"HOME": str(tmp_path)}
        return CliRunner().invoke(app, ["check", *words], env={**home, **environ}, catch_exceptions=False)

    return check


def test_what_is_configured_is_listed_with_numbers_of_keys_and_no_key(run: RunCheck) -> None:
    done = run("gateway.yaml")

    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "gateway.yaml is fine:",
        "  provider  anthropic: 3 keys",
        "  provider  local: no key",
        "  provider  aws: signed calls",
        "  model     coder: local/qwen3-coder",
        "  route     heavy: anthropic/claude-x, then local/qwen3-coder",
        "  client    ci: heavy, until 2031-01-01 00:00 UTC",
        "  client    all: all models",
    ]


def test_the_file_of_the_settings_is_checked_when_none_is_named(run: RunCheck) -> None:
    done = run(environ={**SECRETS, "AIGW_CONFIG_FILE": "gateway.yaml"})

    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "gateway.yaml is fine:")


def test_secrets_may_stand_in_the_env_file(run: RunCheck, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))

    assert run("gateway.yaml", environ={}).exit_code == 0


def test_without_any_file_the_settings_alone_are_checked(run: RunCheck) -> None:
    done = run(environ={})

    assert done.exit_code == 0
    assert done.stdout == ("The settings are fine. No gateway.yaml is named: give its path, or set AIGW_CONFIG_FILE.\n")


def test_an_empty_file_is_said_to_configure_nothing(run: RunCheck, tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text("")

    assert run("gateway.yaml").stdout == "gateway.yaml is fine:\n  it configures nothing\n"


def test_every_finding_is_printed_and_the_exit_code_tells(run: RunCheck, tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text("providers:\n  antropic: {}\nmodels:\n  a: {provider: x, context: 0}\n")

    done = run("gateway.yaml")

    assert (done.exit_code, done.stdout) == (2, "")
    assert [line.split(": ")[:2] for line in done.stderr.splitlines()] == [
        ["gateway.yaml:2:3", "providers.antropic"],
        ["gateway.yaml:4:7", "models.a.provider"],
        ["gateway.yaml:4:20", "models.a.context"],
    ]


def test_settings_and_file_are_both_checked(run: RunCheck, tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text("models: 5")

    done = run("gateway.yaml", environ={"AIGW_FASTAPI__API_PORT": "many"})

    assert done.exit_code == 2
    assert [line.split("=")[0].split(": ")[0] for line in done.stderr.splitlines()] == [
        "AIGW_FASTAPI__API_PORT",
        "gateway.yaml:1:1",
    ]


def test_settings_that_only_a_start_would_refuse_are_found_too(run: RunCheck) -> None:
    done = run(
        environ={"AIGW_FASTAPI__DOCS_URL": "/v1/docs", "AIGW_MODEL_SELECTION__DEFAULT_MODELS": '{"nothing": ["a"]}'}
    )

    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 2


def test_names_that_mean_nothing_are_a_warning(run: RunCheck) -> None:
    done = run(environ={"AIGW_CONFIG_FIEL": "gateway.yaml"})

    assert done.exit_code == 0
    assert "warning: AIGW_CONFIG_FIEL means nothing to the gateway; did you mean AIGW_CONFIG_FILE?" in done.stderr


def test_a_program_gets_one_object(run: RunCheck, tmp_path: Path) -> None:
    fine = json.loads(run("gateway.yaml", "--json").stdout)
    (tmp_path / "gateway.yaml").write_text("models:\n  a: {}")
    wrong = run("gateway.yaml", "--json")
    bare = json.loads(run("--json", environ={"AIGW_FASTAPI__API_PORT": "many"}).stdout)

    assert (fine["ok"], fine["file"], fine["findings"]) == (True, "gateway.yaml", [])
    assert fine["configured"]["providers"]["anthropic"] == {"keys": 3}
    assert fine["configured"]["routes"] == {"heavy": ["anthropic/claude-x", "local/qwen3-coder"]}
    assert fine["configured"]["clients"] == ["ci", "all"]
    assert wrong.exit_code == 2
    assert json.loads(wrong.stdout) == {
        "ok": False,
        "file": "gateway.yaml",
        "findings": [{"line": 2, "column": 3, "path": "models.a.provider", "what": "is missing; add it"}],
    }
    assert (bare["ok"], bare["file"], len(bare["findings"])) == (False, None, 1)


def test_no_secret_is_printed_wherever_it_stands(run: RunCheck, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(
        "providers: {sk-ant-0123456789: {keys: [sk-ant-0123456789]}}\nsk-ant-0123456789: 1\n"
    )

    for done in (run("gateway.yaml"), run("gateway.yaml", "--json"), run("wrong.yaml"), run("wrong.yaml", "--json")):
        assert not any(secret in done.output for secret in (*SECRETS.values(), "the-key-of-a-file", "sk-ant-0"))
