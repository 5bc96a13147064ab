"""Earlier and other spellings of variables, each mapped to the one we document.

A spelling of the right column wins over its alias when both are set.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "CLOUD_CONNECTOR_SERVICE_NAME": "AIGW_CLOUD_CONNECTOR_SERVICE_NAME",
        "AIGW_F__CODE_SUGGESTIONS__EXCL_POST_PROC": "AIGW_FEATURE_FLAGS__EXCL_POST_PROCESS",
        "AIGW_MODEL_KEYS__FIREWORKS_PROVIDER_API_KEY": "AIGW_MODEL_KEYS__FIREWORKS_API_KEY",
        "AIGW_GOOGLE_CLOUD_PROFILER__PERIODS_MS": "AIGW_GOOGLE_CLOUD_PROFILER__PERIOD_MS",
        "AIGW_INSTRUMENTATOR__INTERVAL": "AIGW_INSTRUMENTATOR__THREAD_MONITORING_INTERVAL",
    }
)
