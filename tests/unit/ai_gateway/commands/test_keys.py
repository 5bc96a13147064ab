from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from typer.testing import CliRunner

from ai_gateway.commands.keys import app
from fakes.gateway import COMMAND
from gateway_core.identity.self_issued import TokenSigner
from gateway_core.kernel.secret import Secret
from gateway_core.settings.load import load_settings
from gateway_core.settings.model import Settings


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["new", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def pasted(output: str, folder: Path) -> Settings:
    """Give the settings of somebody who pasted the whole output into a .env file."""
    file = folder / ".env"
    file.write_text(f"AIGW_LOGGING__LEVEL=INFO\n{output}AIGW_MOCK_MODEL_RESPONSES=true\n")
    return load_settings({}, env_file=file)


def key_in(settings: Settings) -> RSAPrivateKey:
    secret = settings.self_signed_jwt.signing_key
    assert secret is not None
    key = load_pem_private_key(secret.get_secret_value().encode(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key


@pytest.mark.parametrize("options", [(), ("--env-file",)], ids=["quoted", "unquoted"])
def test_a_new_key_pasted_into_a_env_file_signs(options: tuple[str, ...], tmp_path: Path) -> None:
    settings = pasted(run(*options), tmp_path)

    secret = settings.self_signed_jwt.signing_key
    assert secret is not None
    assert TokenSigner(Secret(secret.get_secret_value()), service_name="us").sign({"x": 1}).reveal()
    assert settings.mock_model_responses


def test_a_new_key_is_one_line_for_the_gateway() -> None:
    _, *comments, line = run().splitlines()

    assert all(comment.startswith("# ") for comment in comments)
    assert line.startswith('AIGW_SELF_SIGNED_JWT__SIGNING_KEY="-----BEGIN PRIVATE KEY-----\\n')
    assert line.endswith('\\n-----END PRIVATE KEY-----\\n"')


def append_key(file: Path) -> str:
    """Do what `ai-gateway keys new >> file` does; gives what was said beside it."""
    with file.open("a") as output:
        ended = subprocess.run([COMMAND, "keys", "new"], stdout=output, stderr=subprocess.PIPE, text=True, check=True)
    return ended.stderr


def test_a_file_whose_last_line_has_no_end_keeps_that_line(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("AIGW_MOCK_MODEL_RESPONSES=true")
    append_key(file)

    settings = load_settings({}, env_file=file)

    assert settings.mock_model_responses
    assert key_in(settings).key_size == 2048


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o620, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_can_read_is_told(mode: int, tmp_path: Path, *, warned: bool) -> None:
    file = tmp_path / ".env"
    file.touch()
    file.chmod(mode)

    said = append_key(file)

    assert ("chmod 600" in said) is warned
    assert (said.count("\n"), "PRIVATE KEY" in said) == (int(warned), False)


def test_the_words_beside_it_say_how_keys_are_changed() -> None:
    assert "AIGW_SELF_SIGNED_JWT__VALIDATION_KEY" in run()


def test_docker_gets_a_line_without_quotation_marks() -> None:
    assert '"' not in run("--env-file")


def test_the_workflow_service_has_a_key_of_its_own(tmp_path: Path) -> None:
    output = run("--workflow")
    secret = pasted(output, tmp_path).duo_workflow.self_signed_jwt.signing_key

    assert secret is not None
    assert TokenSigner(Secret(secret.get_secret_value()), service_name="us").sign({}).reveal()
    assert "DUO_WORKFLOW_SELF_SIGNED_JWT__VALIDATION_KEY" in output
    assert "AIGW_" not in output


def test_each_key_is_new(tmp_path: Path) -> None:
    first, second = (key_in(pasted(run(), tmp_path)) for _ in range(2))

    assert first.public_key() != second.public_key()


@pytest.mark.parametrize(("options", "bits"), [((), 2048), (("--bits", "3072"), 3072)])
def test_a_key_is_as_large_as_it_was_asked_for(options: tuple[str, ...], bits: int, tmp_path: Path) -> None:
    assert key_in(pasted(run(*options), tmp_path)).key_size == bits


@pytest.mark.parametrize("bits", ["1024", "2047", "many"])
def test_no_weak_key_is_made(bits: str) -> None:
    result = CliRunner().invoke(app, ["new", "--bits", bits])

    assert result.exit_code == 2
    assert "PRIVATE KEY" not in result.output
