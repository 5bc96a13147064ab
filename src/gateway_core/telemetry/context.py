"""The facts of the request in hand, for every log line and every metric of it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

TeamMember = Literal["yes", "no", "unknown"]


@dataclass(slots=True)
class RequestFacts:
    """Who asked and for what; filled in by the edge as it learns more.

    `bound` goes on every log line of the request, `access` on its access line only.
    """

    correlation_id: str = ""
    # Who calls may have put anything into an id of their own; ours is made of digits.
    told_id: bool = False
    bound: dict[str, object] = field(default_factory=dict)
    access: dict[str, object] = field(default_factory=dict)
    feature_category: str = "unknown"
    unit_primitive: str = "unknown"
    lsp_version: str = "unknown"
    gitlab_version: str = "unknown"
    client_type: str = "unknown"
    realm: str = "unknown"
    team_member: TeamMember = "unknown"
    flags: tuple[str, ...] = ()
    verbose_logs: bool = False


_current: ContextVar[RequestFacts | None] = ContextVar("request_facts", default=None)


def current_facts() -> RequestFacts | None:
    """Give the facts of the request that this task serves, if it serves one."""
    return _current.get()


def use_facts(facts: RequestFacts) -> None:
    """Make these the facts of the running task and of the tasks it starts."""
    _current.set(facts)
