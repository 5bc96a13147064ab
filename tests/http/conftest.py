"""Gateways shared by the tests of this folder: one process for each set of settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from fakes.gateway import RunningGateway, run_gateway
from fakes.gitlab import own_keys, trust_in
from fakes.issuer import FIRST_KID, Issuer, run_issuer
from fakes.upstream import MockUpstream

StartGateway = Callable[..., RunningGateway]
FORGED_KID = "k1"


@pytest.fixture(scope="session")
def start_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartGateway]:
    """Give the gateway with these settings; a second call with the same ones gives the same process."""
    running: dict[frozenset[tuple[str, str]], RunningGateway] = {}
    with ExitStack() as stack:

        def start(**settings: str) -> RunningGateway:
            wanted = frozenset(settings.items())
            if wanted not in running:
                folder = tmp_path_factory.mktemp("gateway")
                running[wanted] = stack.enter_context(run_gateway(folder, settings, warm=True))
            return running[wanted]

        yield start
        # All at once: one after the other they would take ten seconds.
        for gateway in running.values():
            gateway.process.terminate()


@pytest.fixture(scope="session")
def shared_upstream() -> Iterator[MockUpstream]:
    """Run one upstream for the whole session."""
    with MockUpstream() as upstream:
        yield upstream


@pytest.fixture
def upstream(shared_upstream: MockUpstream) -> MockUpstream:
    """Give the upstream as if it had just started."""
    shared_upstream.reset()
    return shared_upstream


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """Run one issuer for the whole session; no test changes what it does, who needs that runs one of their own."""
    with run_issuer() as running:
        # The second name is the one that the forged tokens of `fakes.signing` bear.
        running.publish(FIRST_KID, FORGED_KID)
        yield running


# Each profile below is one process for the whole session; tests with a need of their own start their own.

_MOCKED = {"AIGW_MOCK_MODEL_RESPONSES": "true"}
_ANY_SIGNATURE = {"AIGW_AUTH__BYPASS_JWT_SIGNATURE": "true"}


@pytest.fixture
def closed_gateway(start_gateway: StartGateway) -> RunningGateway:
    """Give a gateway that knows keys of clients only: its issuers cannot be reached."""
    return start_gateway(**_MOCKED)


@pytest.fixture
def trusting_gateway(start_gateway: StartGateway, issuer: Issuer) -> RunningGateway:
    """Give a gateway that trusts the issuer as its GitLab and its customer portal, and has keys of its own."""
    return start_gateway(**_MOCKED, **trust_in(issuer), **own_keys())


@pytest.fixture
def mocked_gateway(start_gateway: StartGateway) -> RunningGateway:
    """Give a gateway that makes its answers up, takes any signature, and knows a flag it may not use."""
    flags = {"AIGW_FEATURE_FLAGS__DISALLOWED_FLAGS": '{"self-managed": ["b"]}'}
    return start_gateway(**_MOCKED, **_ANY_SIGNATURE, **flags)


@pytest.fixture
def documented_gateway(start_gateway: StartGateway) -> RunningGateway:
    """Give a gateway with its pages on, open to who sends the bypass header, that issues tokens."""
    pages = {"DOCS_URL": "/docs", "OPENAPI_URL": "/openapi.json", "REDOC_URL": "/redoc"}
    settings = {f"AIGW_FASTAPI__{name}": path for name, path in pages.items()}
    return start_gateway(**_MOCKED, **settings, **own_keys(), AIGW_AUTH__BYPASS_EXTERNAL_WITH_HEADER="true")


@pytest.fixture
def talkative_gateway(start_gateway: StartGateway) -> RunningGateway:
    """Give a self-hosted gateway that logs what it is asked and what it answers."""
    custom = {"AIGW_CUSTOM_MODELS__ENABLED": "true", "AIGW_LOGGING__ENABLE_REQUEST_LOGGING": "true"}
    return start_gateway(**_MOCKED, **_ANY_SIGNATURE, **custom)


@pytest.fixture
def self_hosted_gateway(start_gateway: StartGateway) -> RunningGateway:
    """Give a self-hosted gateway that logs what it is asked only when the instance allows it."""
    return start_gateway(**_MOCKED, **_ANY_SIGNATURE, AIGW_CUSTOM_MODELS__ENABLED="true")


@pytest.fixture
def upstream_settings(upstream: MockUpstream) -> dict[str, str]:
    """Give the settings of a gateway whose models answer at the upstream."""
    return {**_ANY_SIGNATURE, "OPENAI_API_KEY": "sk-test-0123456789", "OPENAI_BASE_URL": f"{upstream.url}/v1"}


@pytest.fixture
def connected_gateway(start_gateway: StartGateway, upstream_settings: dict[str, str]) -> RunningGateway:
    """Give a gateway whose models answer at the upstream."""
    return start_gateway(**upstream_settings)
