"""Starting: what the gateway says when it can, and the one line it says when it cannot."""

from __future__ import annotations

import re
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fakes.gateway import RunningGateway, clean_environment, run_gateway, run_to_end
from fakes.raw_server import CERTIFICATE
from fakes.suggestions import ANTHROPIC, OPENAI, SELF_HOSTED, Dialect
from fakes.upstream import MockUpstream

StartGateway = Callable[..., RunningGateway]

# As most people run it: the log goes to standard error.
TO_STDERR = {"AIGW_LOGGING__TO_FILE": ""}
HAS_CURL = shutil.which("curl") is not None


def refusal(folder: Path, **settings: str) -> str:
    """Start a gateway that cannot start and give the one line that it says."""
    ended = run_to_end(folder, {**TO_STDERR, **settings})

    assert ended.returncode == 2, ended
    assert ended.stdout == ""
    assert ended.stderr.endswith("\n")
    [line] = ended.stderr.splitlines()
    assert "Traceback" not in line
    return line


@pytest.fixture
def taken_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield str(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("variable", "workers"),
    [("AIGW_FASTAPI__API_PORT", "1"), ("AIGW_FASTAPI__METRICS_PORT", "1"), ("AIGW_FASTAPI__METRICS_PORT", "2")],
)
def test_a_port_that_is_taken_is_named(variable: str, workers: str, *, taken_port: str, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    line = refusal(tmp_path, WEB_CONCURRENCY=workers, TMPDIR=str(scratch), **{variable: taken_port})

    assert taken_port in line
    assert variable in line
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AIGW_FASTAPI__API_PORT", "http"),
        ("AIGW_LOGGING__LEVEL", "LOUD"),
        ("AIGW_CUSTOM_MODELS__ENABLED", "perhaps"),
        ("AIGW_UPSTREAM__IDLE_TIMEOUT", "-1"),
        ("WEB_CONCURRENCY", "many"),
        ("AIGW_FASTAPI__API_HOST", "no such host name"),
        ("AIGW_FASTAPI__API_HOST", "192.0.2.1"),
    ],
)
def test_a_setting_that_does_not_fit_is_named(variable: str, value: str, tmp_path: Path) -> None:
    line = refusal(tmp_path, **{variable: value})

    assert variable in line
    assert value in line


def test_a_secret_that_does_not_fit_is_named_but_not_shown(tmp_path: Path) -> None:
    line = refusal(tmp_path, AIGW_CUSTOM_MODELS__EXTRA_HEADERS='{"authorization": ["s3cr3t-value"]}')

    assert "AIGW_CUSTOM_MODELS__EXTRA_HEADERS" in line
    assert "s3cr3t" not in line


@pytest.mark.parametrize(
    "content", [b"\xff\xfe A=1\n", b"ANTHROPIC_API_KEY\n= sk-ant-9 x 'y\n"], ids=["not text", "not NAME=value"]
)
def test_a_settings_file_that_cannot_be_read_is_named(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(content)

    line = refusal(tmp_path)

    assert str(file) in line
    assert "sk-ant-9" not in line


def test_a_settings_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    # Nobody can read this one, not even who may read everything: opening it fails in the system.
    file.symlink_to("/proc/self/mem")

    line = refusal(tmp_path)

    assert str(file) in line


def test_a_bad_value_in_a_settings_file_is_named_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("AIGW_UPSTREAM__IDLE_TIMEOUT=soon\n")

    line = refusal(tmp_path)

    assert "AIGW_UPSTREAM__IDLE_TIMEOUT" in line
    assert str(file) in line


def test_a_log_file_in_a_missing_folder_is_named(tmp_path: Path) -> None:
    file = tmp_path / "no such folder" / "gateway.log"

    line = refusal(tmp_path, AIGW_LOGGING__TO_FILE=str(file))

    assert "AIGW_LOGGING__TO_FILE" in line
    assert str(file) in line


@pytest.mark.parametrize("content", [b"", b"gw-short\n", b"\xff\xfe\x00"])
def test_a_key_file_that_holds_no_key_is_named_and_kept(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "data" / "admin-key"
    file.parent.mkdir()
    file.write_bytes(content)
    file.chmod(0o600)

    line = refusal(tmp_path)

    assert str(file) in line
    assert file.read_bytes() == content


def test_a_database_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with run_gateway(tmp_path, {}):
        pass
    with closing(sqlite3.connect(tmp_path / "data" / "gateway.db")) as database:
        database.execute("DELETE FROM clients")
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON clients BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END"
        )
        database.commit()

    line = refusal(tmp_path)

    assert "The clients in the database cannot be read or changed" in line


def test_a_data_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")

    line = refusal(tmp_path, AIGW_DATA_DIR=str(file))

    assert str(file) in line
    assert "AIGW_DATA_DIR" in line


@pytest.mark.parametrize("missing", ["CERT_FILE", "KEY_FILE"])
def test_a_tls_file_that_is_missing_is_named(missing: str, tmp_path: Path) -> None:
    there = tmp_path / "there.pem"
    there.touch()
    files = {f"AIGW_FASTAPI__TLS__{name}": str(there) for name in ("CERT_FILE", "KEY_FILE")}
    files[f"AIGW_FASTAPI__TLS__{missing}"] = str(tmp_path / "gone.pem")

    line = refusal(tmp_path, AIGW_FASTAPI__TLS__ENABLED="true", **files)

    assert f"AIGW_FASTAPI__TLS__{missing}" in line


@pytest.mark.parametrize("wrong", ["CERT_FILE", "KEY_FILE", "SSL_CIPHERS"])
def test_tls_that_cannot_be_is_named(wrong: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    tls = {"CERT_FILE": str(CERTIFICATE), "KEY_FILE": str(CERTIFICATE.with_name("loopback_key.pem"))}
    tls[wrong] = str(empty)

    line = refusal(
        tmp_path, AIGW_FASTAPI__TLS__ENABLED="true", **{f"AIGW_FASTAPI__TLS__{name}": tls[name] for name in tls}
    )

    assert "AIGW_FASTAPI__TLS__" in line


def test_a_metrics_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    line = refusal(tmp_path, PROMETHEUS_MULTIPROC_DIR=str(file))

    assert "PROMETHEUS_MULTIPROC_DIR" in line


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_default_model_of_a_provider_that_is_not_configured_is_named(workers: str, tmp_path: Path) -> None:
    default = '{"code_completions": ["anthropic/claude-haiku-4-5"]}'

    line = refusal(
        tmp_path,
        OPENAI_API_KEY=OPENAI.key,
        AIGW_MODEL_SELECTION__DEFAULT_MODELS=default,
        WEB_CONCURRENCY=workers,
    )

    assert "AIGW_MODEL_SELECTION__DEFAULT_MODELS" in line
    assert "anthropic/claude-haiku-4-5" in line
    assert OPENAI.key not in line


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_certificate_bundle_that_is_none_is_named(workers: str, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("no certificate")

    line = refusal(tmp_path, REQUESTS_CA_BUNDLE=str(bundle), WEB_CONCURRENCY=workers)

    assert "REQUESTS_CA_BUNDLE" in line or str(bundle) in line


def test_an_unknown_name_is_warned_of_with_the_one_it_is_nearest_to(tmp_path: Path) -> None:
    with run_gateway(tmp_path, {"AIGW_LOGING__LEVEL": "INFO", "AIGW_ZZZ": "1"}) as gateway:
        warned = {
            str(line["setting"]): line
            for line in gateway.log_lines()
            if line["level"] == "warning" and "setting" in line
        }

    assert set(warned) == {"AIGW_LOGING__LEVEL", "AIGW_ZZZ"}
    assert "AIGW_LOGGING__LEVEL" in str(warned["AIGW_LOGING__LEVEL"]["cure"])


def test_the_command_tells_its_version_and_what_it_can_do(tmp_path: Path) -> None:
    version = run_to_end(tmp_path, {}, "--version")
    overview = run_to_end(tmp_path, {}, "--help")
    serve = run_to_end(tmp_path, {}, "serve", "--help")

    assert (version.returncode, overview.returncode, serve.returncode) == (0, 0, 0)
    assert re.fullmatch(r"ai-gateway \d+\.\d+\.\d+\S*\n", version.stdout)
    assert "serve" in overview.stdout
    assert "environment" in serve.stdout
    assert (version.stderr, overview.stderr, serve.stderr) == ("", "", "")


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    ended = run_to_end(tmp_path, {}, "serfe")

    assert ended.returncode == 2
    assert "serfe" in ended.stderr


# The banner.


def test_the_banner_says_that_answers_are_made_up_and_how_to_get_real_ones(start_gateway: StartGateway) -> None:
    banner = start_gateway().banner

    assert "mock" in banner
    assert "ANTHROPIC_API_KEY" in banner
    assert "OPENAI_API_KEY" in banner


@pytest.mark.parametrize(
    ("dialect", "word"),
    [(OPENAI, "openai/"), (ANTHROPIC, "anthropic/"), (SELF_HOSTED, "self-hosted")],
    ids=["openai", "anthropic", "self-hosted"],
)
def test_the_banner_says_which_models_answer(
    dialect: Dialect, word: str, *, start_gateway: StartGateway, upstream: MockUpstream
) -> None:
    banner = start_gateway(**dialect.settings(upstream.url)).banner

    assert word in banner
    assert "mock" not in banner
    assert "made up" not in banner


def test_an_address_for_every_interface_is_shown_as_one_that_can_be_called(tmp_path: Path) -> None:
    hosts = {"AIGW_FASTAPI__API_HOST": "0.0.0.0", "AIGW_FASTAPI__METRICS_HOST": "0.0.0.0"}
    with run_gateway(tmp_path, hosts) as gateway:
        assert "0.0.0.0" not in gateway.banner
        assert gateway.metrics()


def test_the_gateway_serves_https_when_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What this test trusts; the gateway has an environment of its own.
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    tls = {
        "AIGW_FASTAPI__TLS__ENABLED": "true",
        "AIGW_FASTAPI__TLS__CERT_FILE": str(CERTIFICATE),
        "AIGW_FASTAPI__TLS__KEY_FILE": str(CERTIFICATE.with_name("loopback_key.pem")),
    }
    with run_gateway(tmp_path, tls) as gateway:
        assert gateway.url.startswith("https://127.0.0.1:")
        with urllib.request.urlopen(f"{gateway.url}/monitoring/healthz", timeout=10) as answer:
            assert answer.read() == b"{}"


def command_in(banner: str) -> str:
    """Give the command that the banner offers, as one would copy it."""
    lines = banner.splitlines()
    first = next(number for number, line in enumerate(lines) if line.strip().startswith("curl "))
    last = next(number for number in range(first, len(lines)) if not lines[number].endswith("\\"))
    return "\n".join(lines[first : last + 1])


# Sends what the banner's command says where there is no curl.
STAND_IN = """
import sys, urllib.request
words = iter(sys.argv[1:])
headers, url, data = {}, "", b""
for word in words:
    if word == "-H":
        name, _, value = next(words).partition(": ")
        headers[name] = value
    elif word == "-d":
        data = next(words).encode()
    elif word.startswith("http"):
        url = word
with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10) as answer:
    print(answer.read().decode())
"""


def run_command(gateway: RunningGateway, *, with_curl: bool) -> str:
    """Run the banner's command in a shell, as a person would."""
    shell = 'curl() { command curl --fail --silent --show-error --max-time 10 "$@"; }'
    if not with_curl:
        shell = f'curl() {{ {shlex.join([sys.executable, "-c", STAND_IN])} "$@"; }}'
    ended = subprocess.run(
        ["bash", "-c", f"{shell}\n{command_in(gateway.banner)}"],
        env=clean_environment(gateway.folder, {}),
        cwd=gateway.folder,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 0, ended
    return ended.stdout


def test_the_command_in_the_banner_works(start_gateway: StartGateway) -> None:
    gateway = start_gateway()
    # Both ways where there is curl; its stand-in, so that it works where there is none.
    for with_curl in {HAS_CURL, False}:
        answer = run_command(gateway, with_curl=with_curl)

        assert '"choices"' in answer
        assert "fake-model" in answer


def test_the_command_in_the_banner_works_from_a_folder_with_any_name(tmp_path: Path) -> None:
    with run_gateway(tmp_path / 'it\'s $HOME "quoted" `x`', {}) as gateway:
        assert "fake-model" in run_command(gateway, with_curl=HAS_CURL)


def test_the_command_in_the_banner_reaches_the_real_model(start_gateway: StartGateway, upstream: MockUpstream) -> None:
    answered = run_command(start_gateway(**OPENAI.settings(upstream.url)), with_curl=HAS_CURL)

    assert "return a + b" in answered
    assert len(upstream.requests) == 1


def test_a_missing_signing_key_is_told_to_who_has_a_gitlab(start_gateway: StartGateway) -> None:
    gateway = start_gateway()

    [line] = [line for line in gateway.log_lines() if line["message"] == "signing_key_missing"]
    assert line["level"] == "warning"
    assert "ai-gateway keys new" in str(line["cure"])
