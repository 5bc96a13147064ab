"""Each rule about text finds a planted fault; the plants are put together here, or they would be faults."""

from __future__ import annotations

import json

import pytest

from architecture import layout_rules, text_rules

HASH = "--hash=sha256:" + "0a" * 32


@pytest.mark.parametrize(
    "text",
    ["see https://pypi" + ".org/simple", "registry.npmjs" + ".org", "files.PythonHosted" + ".org/packages"],
)
def test_a_registry_host_is_found(text: str) -> None:
    assert text_rules.registry_hosts(text)


@pytest.mark.parametrize("option", ["--index-url ", "extra-index-url = ", "UV_DEFAULT_INDEX=", "registry="])
def test_an_option_that_sets_an_index_is_found(option: str) -> None:
    assert text_rules.registry_hosts(option + "https://mirror.example/simple")


def test_a_word_about_registries_is_left_alone() -> None:
    assert not text_rules.registry_hosts("omit-lockfile-registry-resolved=true\nthe registry: see https://a.example")


@pytest.mark.parametrize("folder", ["work", "root", "tmp", "home", "Users"])
def test_a_path_of_one_machine_is_found(folder: str) -> None:
    assert text_rules.machine_paths(f'open("/{folder}/a/b")')


@pytest.mark.parametrize(
    "text",
    ["https://a.example/home/b", "src/work/b", "~/tmp/b", "/run/secrets/b", "/home/operator/b", "sha512-a+/root/b"],
)
def test_another_path_is_left_alone(text: str) -> None:
    assert not text_rules.machine_paths(text)


def test_a_locked_entry_is_left_alone() -> None:
    assert not text_rules.python_lock_faults(
        f"# made by hand\na[x]==1.2 ; os_name == 'nt' \\\n    {HASH}\n    # via b\n"
    )


@pytest.mark.parametrize(
    "entry",
    [
        "a==1.2\n    # via b\n",
        "a==1.2 \\\n    # via b\n",
        f"a>=1.2 \\\n    {HASH}\n",
        "--find-links wheels\n",
        "-e .\n",
        f"a @ https://a.example/a.whl \\\n    {HASH}\n",
        f"a==1.2 \\\n    {HASH}\n    # from https://a.example\n",
    ],
)
def test_an_entry_that_is_not_locked_is_found(entry: str) -> None:
    assert text_rules.python_lock_faults(f"b==1.0 \\\n    {HASH}\n{entry}")


def test_a_node_entry_with_an_address_or_without_a_hash_is_found() -> None:
    good = {"version": "1.0.0", "integrity": "sha512-x"}

    def faults(entry: dict[str, str]) -> list[str]:
        return text_rules.node_lock_faults(json.dumps({"packages": {"": {}, "node_modules/a": entry}}))

    assert not faults(good)
    assert faults({**good, "resolved": "https://a.example/a.tgz"})
    assert faults({"version": "1.0.0"})


FILES = [
    "src/core/keys/pool.py",
    "src/core/http.py",
    "src/core/wire/sse.py",
    "tests/fakes/upstream.py",
    "scripts/gen.py",
]


@pytest.mark.parametrize(
    "test",
    [
        "tests/unit/core/keys/test_pool.py",
        "tests/unit/core/keys/test_pool_when_all_keys_rest.py",
        "tests/unit/core/keys/test_keys_together.py",
        "tests/unit/core/test_wire.py",
        "tests/unit/core/http/test_http_pipelining.py",
        "tests/unit/fakes/test_upstream.py",
        "tests/unit/scripts/test_gen.py",
    ],
)
def test_a_test_of_an_existing_module_is_left_alone(test: str) -> None:
    assert not layout_rules.mirrors_nothing(test, files=FILES)


@pytest.mark.parametrize(
    "test", ["tests/unit/core/test_pool.py", "tests/unit/core/keys/test_poolside.py", "tests/unit/test_x.py"]
)
def test_a_test_that_names_no_module_is_found(test: str) -> None:
    assert layout_rules.mirrors_nothing(test, files=FILES)
