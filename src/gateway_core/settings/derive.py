"""Defaults that come from other settings or from the operator's home."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway_core.kernel.errors import SettingInvalid
from gateway_core.settings.catalogue import Setting
from gateway_core.settings.given import Given

# Each variable that is not given takes the value of the one on the right, in this order.
_INHERITED = (
    ("AIGW_GOOGLE_CLOUD_PLATFORM__LOCATION", "RUNWAY_REGION"),
    ("AIGW_VERTEX_TEXT_MODEL__PROJECT", "AIGW_GOOGLE_CLOUD_PLATFORM__PROJECT"),
    ("AIGW_VERTEX_TEXT_MODEL__LOCATION", "AIGW_GOOGLE_CLOUD_PLATFORM__LOCATION"),
    (
        "AIGW_VERTEX_TEXT_MODEL__SERVICE_ACCOUNT_JSON_KEY",
        "AIGW_GOOGLE_CLOUD_PLATFORM__SERVICE_ACCOUNT_JSON_KEY",
    ),
    ("AIGW_VERTEX_SEARCH__PROJECT", "AIGW_GOOGLE_CLOUD_PLATFORM__PROJECT"),
    ("AIGW_VERTEX_SEARCH__LOCATION", "AIGW_GOOGLE_CLOUD_PLATFORM__LOCATION"),
    ("AIGW_VERTEX_SEARCH__SERVICE_ACCOUNT_JSON_KEY", "AIGW_GOOGLE_CLOUD_PLATFORM__SERVICE_ACCOUNT_JSON_KEY"),
    ("DUO_WORKFLOW_AUTH__OIDC_GITLAB_URL", "AIGW_GITLAB_URL"),
    ("DUO_WORKFLOW_AUTH__OIDC_CUSTOMER_PORTAL_URL", "AIGW_CUSTOMER_PORTAL_URL"),
)
_LOCATION = "AIGW_VERTEX_TEXT_MODEL__LOCATION"
_ENDPOINT = "AIGW_VERTEX_TEXT_MODEL__ENDPOINT"
_DATA_DIR = "AIGW_DATA_DIR"


def fill_in(given: Mapping[str, Given]) -> dict[str, Given]:
    """Add the values that follow from others; what was given stays as it is."""
    filled = dict(given)
    for name, origin in _INHERITED:
        if name not in filled and origin in filled:
            filled[name] = filled[origin]
    if _ENDPOINT not in filled and _LOCATION in filled:
        source = filled[_LOCATION]
        filled[_ENDPOINT] = Given(source.name, vertex_host(str(source.value).strip()), source.file, source.member)
    if _DATA_DIR not in filled:
        filled[_DATA_DIR] = Given(_DATA_DIR, str(_data_home(given) / "ai-gateway"))
    return filled


def vertex_host(location: str) -> str:
    """Name the host of Vertex AI in a location; the one called global has no prefix.

    Source: cloud.google.com, Vertex AI, page "Locations", read 2026-11-21.
    """
    return "aiplatform.googleapis.com" if location == "global" else f"{location}-aiplatform.googleapis.com"


def expand_homes(
    sources: Mapping[tuple[str, ...], tuple[Setting, Given]], *, given: Mapping[str, Given]
) -> dict[tuple[str, ...], object]:
    """Give the values to validate: paths beginning `~/` start in the home folder, and outer white space is gone."""
    values: dict[tuple[str, ...], object] = {}
    for path, (setting, source) in sources.items():
        value = source.value
        if isinstance(value, str) and not setting.is_verbatim:
            value = value.strip()
            if setting.is_path and value.startswith("~/"):
                value = str(_home(given) / value[2:])
        values[path] = value
    return values


def _home(given: Mapping[str, Given]) -> Path:
    if "HOME" in given:
        return Path(str(given["HOME"].value))
    try:
        return Path.home()
    except RuntimeError:
        message = (
            "This account has no home folder (HOME is not set); set AIGW_DATA_DIR to a folder that it may write to."
        )
        raise SettingInvalid(message) from None


def _data_home(given: Mapping[str, Given]) -> Path:
    """Find the folder for users' data.

    A relative XDG_DATA_HOME is ignored. Source: XDG Base Directory Specification 0.8.
    """
    if "XDG_DATA_HOME" in given:
        named = Path(str(given["XDG_DATA_HOME"].value))
        if named.is_absolute():
            return named
    return _home(given) / ".local" / "share"
