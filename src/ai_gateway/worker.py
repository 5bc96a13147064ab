"""One of several worker processes."""

from __future__ import annotations

from ai_gateway.app import Service
from ai_gateway.edge.protocol import GatewayProtocol
from gateway_core.kernel.units import Seconds
from gateway_core.settings.load import load_settings
from gateway_core.telemetry.logs import configure_logging


def create_worker() -> Service:
    """Build the service of this process, from the environment it was started with."""
    settings = load_settings()
    logging = settings.logging
    configure_logging(level=logging.level, as_json=logging.format_json, to_file=logging.to_file)
    limits = settings.limits
    GatewayProtocol.limit(header_timeout=Seconds(limits.header_timeout), max_header_bytes=limits.max_header_bytes)
    return Service(settings)
