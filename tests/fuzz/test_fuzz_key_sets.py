"""The target of key sets sees what it is there to see: each test breaks the product on purpose."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from joserfc.jwk import RSAKey

from fuzz.engine import build_mutator, load_target, read_inputs, trouble_with
from fuzz.fuzz_key_sets import try_one
from fuzz.run import CORPUS
from gateway_core.identity import key_set

# What is broken here on purpose is what the library warns of.
WEAK = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
CORPUS_OF_KEYS = read_inputs(CORPUS / "key_sets")


def troubles() -> str:
    return "".join(trouble_with(try_one, data) or "" for data in CORPUS_OF_KEYS)


@WEAK
def test_weak_keys_that_are_taken_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_set, "SMALLEST_RSA", 512)

    assert "an RSA key of 1024 bits" in troubles()


def test_keys_without_end_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_set, "MOST_KEYS", 1_000)
    many = b'{"keys":[' + b",".join([one_key()] * 70) + b"]}"

    assert "70 keys are trusted" in (trouble_with(try_one, many) or "")


def test_a_break_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_set, "_ALGORITHM_OF", {"RSA": "RS256"})
    monkeypatch.setattr(key_set, "_check_purpose", lambda entry, **_: entry["use"])

    assert "KeyError" in troubles()


def test_a_reason_that_no_log_should_hold_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_set, "quote", str)

    assert "a reason that no log should hold" in troubles()


@WEAK
def test_chance_alone_finds_an_even_exponent_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    mutator = build_mutator(load_target("key_sets"), 1, longest=4_000)
    seeds = [(CORPUS / "key_sets/rsa").read_bytes()]
    monkeypatch.setattr(key_set, "_rsa_key", unchecked_rsa_key)

    tried = (trouble_with(try_one, mutator.change(mutator.choose(seeds))) for _ in range(3_000))

    assert "with the exponent" in (next(filter(None, tried), None) or "")


def one_key() -> bytes:
    return (CORPUS / "key_sets/rsa").read_bytes().strip().removeprefix(b'{"keys": [').removesuffix(b"]}")


def unchecked_rsa_key(entry: dict[str, object]) -> RSAKey:
    modulus, exponent = (int.from_bytes(key_set._number(entry, name)) for name in ("n", "e"))
    return RSAKey.import_key(RSAPublicNumbers(exponent, modulus).public_key())
