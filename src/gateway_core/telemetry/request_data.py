"""Log lines that hold what callers sent and models answered: off unless an operator allows them."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.kernel.secret import Secret
from gateway_core.telemetry.context import RequestFacts, current_facts
from gateway_core.telemetry.logs import get_log
from gateway_core.telemetry.redaction import MASK

VERBOSE_FLAG = "expanded_ai_logging"


@dataclass(frozen=True, slots=True)
class RequestDataLog:
    """Write prompts and answers when it is allowed, and nothing at all otherwise.

    Allowed: always when `enabled`; with self-hosted models when the instance's
    verbose header says so; else when GitLab pushed the flag for it.
    """

    enabled: bool
    custom_models: bool

    def allows(self, facts: RequestFacts | None = None) -> bool:
        """Tell whether this request's data may be written down."""
        if self.enabled:
            return True
        facts = facts or current_facts()
        if facts is None:
            return False
        if self.custom_models:
            return facts.verbose_logs
        return VERBOSE_FLAG in facts.flags

    def write(self, event: str, *, api_key: Secret | None = None, **data: object) -> None:
        """Write one line; the key of the call is shown as asterisks, or as null when there was none."""
        if self.allows():
            get_log("requests").info(event, **data, api_key=MASK if api_key else None)
