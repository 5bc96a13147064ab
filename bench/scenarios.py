"""How hard it is asked: the loads, and the scenarios with what each target is sent."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bench.requests import (
    CLIENT_KEY,
    Request,
    ask_chat,
    ask_code_completion,
    ask_message,
    ask_model_for_code,
    ask_model_to_complete,
    ask_streamed_suggestion,
)

CHUNKS = 200
CADENCE_US = 5_000
OPENAI_MODEL = "gpt-4o-mini"
ANTHROPIC_MODEL = "claude-sonnet-4-20250514"
LARGE = 100_000
"""Bytes of a prompt such as agents send."""


class Door(StrEnum):
    """Whose request format a target understands."""

    GATEWAY = "gateway"
    MODEL = "model"


@dataclass(frozen=True)
class Load:
    """A way to put load on a target. Without a rate the loop is closed."""

    name: str
    meaning: str
    connections: int
    rate: float | None = None


@dataclass(frozen=True)
class Scenario:
    """A question in the words of the gateway and of the model, and the loads it is asked under."""

    name: str
    streamed: bool
    loads: tuple[Load, ...]
    model: Request
    gateway: Callable[[str], Request]
    """Takes the URL of the model, which GitLab names in the body."""

    @property
    def marks(self) -> int:
        """Give how many marks of the model a whole answer carries."""
        return CHUNKS if self.streamed else 1

    def build_request(self, door: Door, *, model_url: str) -> Request:
        """Give the request in the format of the target."""
        return self.model if door is Door.MODEL else self.gateway(model_url)


def _build_universal(
    name: str,
    ask: Callable[[str], Request],
    *,
    loads: tuple[Load, ...],
    upstream: Callable[[str], Request] | None = None,
    streamed: bool = False,
) -> Scenario:
    """Build a scenario of the universal door; what the model gets differs only when the gateway translates."""
    return Scenario(
        name,
        streamed=streamed,
        loads=loads,
        model=(upstream or ask)("sk-bench"),
        gateway=lambda _url: ask(CLIENT_KEY),
    )


SATURATED = Load("saturated", "closed loop, 32 connections", connections=32)
CONSTANT = Load("constant", "100 requests/s", connections=64, rate=100)
PACED = Load("paced", "5 new streams/s, a chunk each 5 ms", connections=64, rate=5)
BUSY = Load("busy", "50 streams at once, a chunk each 5 ms", connections=50)
WHOLE, STREAMED = (SATURATED, CONSTANT), (PACED, BUSY)

COMPLETIONS = Scenario(
    "completions", streamed=False, loads=WHOLE, model=ask_model_to_complete(), gateway=ask_code_completion
)
SUGGESTIONS_STREAM = Scenario(
    "suggestions_stream",
    streamed=True,
    loads=STREAMED,
    model=ask_model_for_code(),
    gateway=ask_streamed_suggestion,
)
UNIVERSAL = (
    _build_universal("chat", lambda key: ask_chat(key=key, model=OPENAI_MODEL), loads=WHOLE),
    _build_universal("chat100k", lambda key: ask_chat(key=key, model=OPENAI_MODEL, size=LARGE), loads=(SATURATED,)),
    _build_universal(
        "chat_stream",
        lambda key: ask_chat(key=key, model=OPENAI_MODEL, stream=True),
        loads=STREAMED,
        streamed=True,
    ),
    _build_universal("messages", lambda key: ask_message(key=key, model=ANTHROPIC_MODEL), loads=(SATURATED,)),
    _build_universal(
        "translated",
        lambda key: ask_chat(key=key, model=ANTHROPIC_MODEL),
        upstream=lambda key: ask_message(key=key, model=ANTHROPIC_MODEL),
        loads=(SATURATED,),
    ),
    _build_universal(
        "translated_stream",
        lambda key: ask_chat(key=key, model=ANTHROPIC_MODEL, stream=True),
        upstream=lambda key: ask_message(key=key, model=ANTHROPIC_MODEL, stream=True),
        loads=STREAMED,
        streamed=True,
    ),
)
SCENARIOS = {scenario.name: scenario for scenario in (COMPLETIONS, SUGGESTIONS_STREAM, *UNIVERSAL)}
