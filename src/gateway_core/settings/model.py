"""The typed tree of all settings."""

from __future__ import annotations

from gateway_core.settings.model_access import Access
from gateway_core.settings.model_core import Core
from gateway_core.settings.model_providers import Providers
from gateway_core.settings.model_server import Server
from gateway_core.settings.model_telemetry import Telemetry
from gateway_core.settings.model_workflow import Workflow

GROUPS = (Core, Server, Access, Providers, Telemetry, Workflow)


class Settings(Workflow, Telemetry, Providers, Access, Server, Core):
    """Everything an operator has set; the groups are its bases, and `GROUPS` is their reading order."""
