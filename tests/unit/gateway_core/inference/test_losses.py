"""Nothing that a provider cannot be told is lost in silence."""

from __future__ import annotations

import pytest

from gateway_core.inference.losses import Losses
from gateway_core.kernel.errors import FeatureUnsupported


def test_what_the_answer_depends_on_is_refused_by_name_with_the_reason() -> None:
    losses = Losses("the provider")

    with pytest.raises(
        FeatureUnsupported, match=r"^seed: the provider has no way to say this \(its dice are its own\)"
    ):
        losses.cannot("seed", "its dice are its own")

    assert losses.dropped == []


def test_what_may_be_left_out_is_listed_once() -> None:
    losses = Losses("the provider", drop=True)

    losses.cannot("seed")
    losses.hint("user")
    losses.cannot("seed")
    losses.hint("user")

    assert losses.dropped == ["seed", "user"]


def test_a_name_is_told_in_the_callers_words_once_in_the_list_and_in_the_refusal() -> None:
    words = {"stop": "stop_sequences", "user": "metadata", "safety_identifier": "metadata"}
    losses, strict = (Losses("the provider", drop=drop, words=words.__getitem__) for drop in (True, False))

    losses.cannot("stop")
    losses.hint("user")
    losses.hint("safety_identifier")

    assert losses.dropped == ["stop_sequences", "metadata"]
    with pytest.raises(FeatureUnsupported) as refused:
        strict.cannot("stop")
    assert refused.value.feature == "stop_sequences"
