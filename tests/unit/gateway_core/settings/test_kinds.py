"""Kinds of value whose edges the table of settings does not reach."""

from __future__ import annotations

import pytest

from gateway_core.kernel.errors import SettingInvalid
from gateway_core.settings.load import load_settings


@pytest.mark.parametrize(
    "bad", ["http://", "http://[::1", "http://h:99999", "http://h:0", "http://h:p", "http://a b", "//h", "ws://h"]
)
def test_a_url_needs_a_scheme_a_host_and_a_possible_port(bad: str) -> None:
    with pytest.raises(SettingInvalid, match="is not a URL"):
        load_settings({"AIGW_GITLAB_URL": bad}, env_file=None)


@pytest.mark.parametrize("good", ["http://h", "https://[::1]:8443/x?y#z", "HTTPS://H.example."])
def test_a_url_is_kept_as_it_was_written(good: str) -> None:
    assert load_settings({"AIGW_GITLAB_URL": good}, env_file=None).gitlab_url == good


def test_an_ipv6_address_can_be_listened_on() -> None:
    assert load_settings({"AIGW_FASTAPI__API_HOST": "::"}, env_file=None).fastapi.api_host == "::"


@pytest.mark.parametrize(
    ("section", "member"),
    [("AIGW_PROXY_ENDPOINTS", '"saas_enabled": ["1", "2"]'), ("AIGW_PROXY_ENDPOINTS", '"saas_enabled": "1,2"')],
)
def test_a_list_with_commas_may_be_a_json_list_inside_a_section(section: str, member: str) -> None:
    assert load_settings({section: f"{{{member}}}"}, env_file=None).proxy_endpoints.saas_enabled == ("1", "2")


def test_objects_inside_a_section_need_no_second_quoting() -> None:
    settings = load_settings({"AIGW_FEATURE_FLAGS": '{"disallowed_flags": {"saas": ["a"]}}'}, env_file=None)

    assert settings.feature_flags.disallowed_flags == {"saas": frozenset({"a"})}


@pytest.mark.parametrize(("section", "name"), [("AIGW_LOGGING", "level"), ("AIGW_SELF_SIGNED_JWT", "signing_key")])
def test_a_number_is_no_text(section: str, name: str) -> None:
    with pytest.raises(SettingInvalid, match=rf"^{section} \({name}\)"):
        load_settings({section: f'{{"{name}": 1}}'}, env_file=None)


@pytest.mark.parametrize(
    "host",
    [
        *("https://h", "h/v1", "h:0", "h:65536", "h:x", "h:", "*", "*.", "a.*.b", "*h", "u@h", "::1", "[::1", "[x]"),
        *("[1:2]", "h h", "-h", "h.", ".h", "h?x", "h#x", "h\\x", "é.example", "0.0.0.0/0"),
    ],
)
def test_a_host_that_is_none_is_refused_by_its_name(host: str) -> None:
    with pytest.raises(SettingInvalid, match="which is no host; give hosts with commas between them") as refused:
        load_settings({"AIGW_CUSTOM_MODELS__ALLOWED_HOSTS": f"h.example,{host}"}, env_file=None)
    assert repr(host) in str(refused.value)


def test_hosts_may_be_names_addresses_and_whatever_is_below_a_name_each_with_a_port() -> None:
    given = "H.example, h.example:65535, *.h.example:1, 10.0.0.1:8000, [::1], [FE80::1]:8000, localhost, under_score"

    settings = load_settings({"AIGW_CUSTOM_MODELS__ALLOWED_HOSTS": given}, env_file=None)

    assert settings.custom_models.allowed_hosts == tuple(given.lower().split(", "))
