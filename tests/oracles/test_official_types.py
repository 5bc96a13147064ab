"""What the gateway writes in a vendor's dialect is right by that vendor's own types, whoever asked for it."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway_core.inference.losses import Losses
from matrix.vendors import BEDROCK, CHAT, NAMES, VENDORS, Name
from oracles.official import faults
from oracles.said import Asked
from unit.gateway_core.dialects.crossing_samples import EVERYTHING, MODELS, requests_of

# A compatible server takes more than OpenAI's types know, so the model is one of OpenAI's own.
ASKED = {**MODELS, CHAT: "gpt-4.1"}
PAIRS = [(caller, vendor) for caller, vendor in permutations(NAMES, 2) if vendor != BEDROCK]


@pytest.mark.parametrize(("caller", "vendor"), PAIRS)
# Not made smaller when it fails: what the types say of a fault is slow to come by.
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_any_callers_request_is_right_by_the_vendors_types(caller: Name, vendor: Name, data: st.DataObject) -> None:
    request = replace(data.draw(requests_of(EVERYTHING, dialect=caller)), model=ASKED[vendor])

    wire = VENDORS[vendor].dialect.render_request(request, Losses("the other side", drop=True))

    assert faults(Asked(vendor, json.loads(wire), stream=request.stream)) == ""
