"""Every input of the corpus, and every finding that was mended, in each run of the tests."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fuzz import fuzz_credentials, fuzz_key_sets
from fuzz.run import CORPUS
from fuzz.verdict import Verdict, judge
from fuzz.wire import read_request
from gateway_core.identity.key_set import parse_key_set


def inputs(target: str) -> list[Path]:
    return sorted(path for path in (CORPUS / target).rglob("*") if path.is_file())


@pytest.mark.parametrize("path", inputs("credentials"), ids=lambda path: path.name)
def test_headers_of_the_corpus_let_nobody_in_who_should_not(path: Path) -> None:
    fuzz_credentials.try_one(path.read_bytes())


@pytest.mark.parametrize("path", inputs("key_sets"), ids=lambda path: path.name)
def test_key_sets_of_the_corpus_make_no_unfit_key_trusted(path: Path) -> None:
    fuzz_key_sets.try_one(path.read_bytes())


def test_the_corpus_holds_credentials_of_every_verdict() -> None:
    verdicts = Counter(judge(read_request(path.read_bytes())) for path in inputs("credentials"))

    assert set(verdicts) == set(Verdict)


def test_the_corpus_holds_key_sets_whose_keys_are_taken_and_some_whose_keys_are_not() -> None:
    parsed = [
        parse_key_set((CORPUS / "key_sets" / name).read_bytes(), source="Gitlab", algorithms=("RS256", "ES256"))
        for name in ("both", "weak")
    ]

    assert [(len(found.keys), len(found.skipped)) for found in parsed] == [(2, 0), (1, 1)]
