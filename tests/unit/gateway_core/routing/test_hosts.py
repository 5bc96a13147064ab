from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.routing.hosts import host_of, is_listed


def fits(url: str, *patterns: str) -> bool:
    found = host_of(url)
    assert found is not None
    return is_listed(*found, patterns=patterns)


@pytest.mark.parametrize(
    ("url", "pattern"),
    [
        ("http://models.example/v1", "models.example"),
        ("https://models.example:8443/v1", "models.example"),
        ("https://MODELS.example./v1", "models.example"),
        ("http://models.example:8000", "models.example:8000"),
        ("https://models.example/v1", "models.example:443"),
        ("http://models.example/v1", "models.example:80"),
        ("http://a.models.example", "*.models.example"),
        ("http://a.b.models.example:8000", "*.models.example:8000"),
        ("http://10.1.2.3:8000/v1", "10.1.2.3"),
        ("http://10.1.2.3:8000/v1", "10.1.2.3:8000"),
        ("http://[::1]:8000/v1", "[::1]"),
        ("http://[0:0::0001]:8000/v1", "[::1]:8000"),
        ("http://[::1]/v1", "[0:0:0:0:0:0:0:1]:80"),
        ("http://localhost:11434", "localhost"),
    ],
)
def test_a_host_that_is_listed_fits(url: str, pattern: str) -> None:
    assert fits(url, "other.example", pattern)


@pytest.mark.parametrize(
    ("url", "pattern"),
    [
        ("http://models.example.evil.test", "models.example"),
        ("http://evil-models.example", "models.example"),
        ("http://a.models.example", "models.example"),
        ("http://models.example", "*.models.example"),
        ("http://evilmodels.example", "*.models.example"),
        ("http://models.example:8001", "models.example:8000"),
        ("https://models.example", "models.example:80"),
        ("http://a.models.example:1", "*.models.example:2"),
        ("http://10.1.2.30", "10.1.2.3"),
        ("http://127.0.0.1", "*.0.0.1"),
        # Other spellings of an address that is listed: whoever lists it did not write these.
        ("http://2130706433", "127.0.0.1"),
        ("http://0x7f.1", "127.0.0.1"),
        ("http://0177.0.0.1", "127.0.0.1"),
        ("http://127.1", "127.0.0.1"),
        ("http://[::ffff:127.0.0.1]", "127.0.0.1"),
        ("http://[::2]:8000", "[::1]:8000"),
        ("http://[::1]:8001", "[::1]:8000"),
        ("http://models.example\\.evil.test", "models.example"),
        ("http://models.example%2eevil.test", "models.example"),
    ],
)
def test_any_other_host_does_not(url: str, pattern: str) -> None:
    assert not fits(url, pattern)


def test_an_empty_list_names_no_host() -> None:
    assert not fits("http://models.example")


@pytest.mark.parametrize("url", ["http://", "http://h:99999", "http://h:x", "http://[::1", "nonsense", "http:///v1"])
def test_an_address_without_a_possible_host_and_port_is_none(url: str) -> None:
    assert host_of(url) is None


_LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
_NAME = st.lists(_LABEL, min_size=2, max_size=4).map(".".join).filter(lambda name: not name[-1].isdigit())


@given(name=_NAME, below=_LABEL, port=st.integers(1, 65_535), other=st.integers(1, 65_535))
def test_a_pattern_takes_its_name_its_port_and_what_is_below_it(name: str, below: str, port: int, other: int) -> None:
    assert fits(f"http://{name}:{port}/v1", name)
    assert fits(f"http://{name.upper()}:{port}", f"{name}:{port}")
    assert fits(f"http://{name}:{other}", f"{name}:{port}") is (port == other)
    assert fits(f"http://{below}.{name}", f"*.{name}")
    assert not fits(f"http://{below}.{name}", name)
    assert not fits(f"http://{below}{name}", f"*.{name}")
