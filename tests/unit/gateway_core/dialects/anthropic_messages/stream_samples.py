"""Streams as the vendor's reference shows them, with the events they stand for."""

from __future__ import annotations

import json

from gateway_core.dialects.sse import render_sse
from gateway_core.inference.events import (
    Finished,
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
)


def sent(*events: dict[str, object]) -> bytes:
    return b"".join(render_sse(json.dumps(event).encode(), str(event["type"])) for event in events)


def began(**usage: object) -> dict[str, object]:
    message: dict[str, object] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": "claude-sonnet-4-5",
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 25, "output_tokens": 1, **usage},
    }
    return {"type": "message_start", "message": message}


def block(index: int, **members: object) -> dict[str, object]:
    return {"type": "content_block_start", "index": index, "content_block": members}


def delta(index: int, **members: object) -> dict[str, object]:
    return {"type": "content_block_delta", "index": index, "delta": members}


def stop(index: int) -> dict[str, object]:
    return {"type": "content_block_stop", "index": index}


def ended(reason: str, sequence: str | None = None, **usage: object) -> tuple[dict[str, object], dict[str, object]]:
    change = {"stop_reason": reason, "stop_sequence": sequence}
    return {"type": "message_delta", "delta": change, "usage": usage}, {"type": "message_stop"}


PING: dict[str, object] = {"type": "ping"}
STARTED = Started("msg_1", "claude-sonnet-4-5")

TEXT_STREAM = sent(
    began(),
    block(0, type="text", text=""),
    PING,
    delta(0, type="text_delta", text="Hé"),
    delta(0, type="text_delta", text="llo 😀"),
    stop(0),
    *ended("end_turn", output_tokens=15),
)
TEXT_EVENTS: list[StreamEvent] = [
    STARTED,
    UsageReported(Usage(25, 1)),
    TextDelta("Hé"),
    TextDelta("llo 😀"),
    UsageReported(Usage(25, 15)),
    Finished("stop", "end_turn"),
]

TOOL_STREAM = sent(
    began(cache_creation_input_tokens=100, cache_read_input_tokens=1000),
    block(0, type="thinking", thinking="", signature=""),
    delta(0, type="thinking_delta", thinking="Hm"),
    delta(0, type="thinking_delta", thinking="m."),
    delta(0, type="signature_delta", signature="EqQB"),
    stop(0),
    block(1, type="redacted_thinking", data="EmwK"),
    stop(1),
    block(2, type="text", text="I "),
    delta(2, type="text_delta", text="look."),
    stop(2),
    block(3, type="tool_use", id="toolu_1", name="weather", input={}),
    delta(3, type="input_json_delta", partial_json=""),
    delta(3, type="input_json_delta", partial_json='{"city": '),
    delta(3, type="input_json_delta", partial_json='"Oslo"}'),
    stop(3),
    block(4, type="tool_use", id="toolu_2", name="now", input={}),
    stop(4),
    *ended("tool_use", output_tokens=89, output_tokens_details={"thinking_tokens": 7}),
)
TOOL_EVENTS: list[StreamEvent] = [
    STARTED,
    UsageReported(Usage(1125, 1, 1000, 100)),
    ThinkingDelta("Hm"),
    ThinkingDelta("m."),
    ThinkingDelta("", "EqQB"),
    ThinkingDelta("EmwK", redacted=True),
    TextDelta("I "),
    TextDelta("look."),
    ToolCallDelta(0, "toolu_1", "weather"),
    ToolCallDelta(0, arguments='{"city": '),
    ToolCallDelta(0, arguments='"Oslo"}'),
    ToolCallDelta(1, "toolu_2", "now"),
    ToolCallDelta(1, arguments="{}"),
    UsageReported(Usage(1125, 89, 1000, 100, 7)),
    Finished("tool_calls", "tool_use"),
]

SERVER_TOOL_STREAM = sent(
    began(),
    block(0, type="server_tool_use", id="srvtoolu_1", name="web_search", input={}),
    delta(0, type="input_json_delta", partial_json='{"query": "x"}'),
    stop(0),
    block(
        1, type="web_search_tool_result", tool_use_id="srvtoolu_1", content=[{"type": "web_search_result", "url": "u"}]
    ),
    stop(1),
    block(2, type="web_search_tool_result", tool_use_id="srvtoolu_1", content={"type": "error", "error_code": "e"}),
    stop(2),
    block(3, type="text", text="", citations=[]),
    delta(3, type="citations_delta", citation={"type": "char_location"}),
    delta(3, type="text_delta", text="Found."),
    delta(3, type="later_delta", text="?"),
    stop(3),
    {"type": "later_event", "delta": {}},
    *ended("stop_sequence", "END", output_tokens=3),
)
SERVER_TOOL_EVENTS: list[StreamEvent] = [
    STARTED,
    UsageReported(Usage(25, 1)),
    TextDelta("Found."),
    UsageReported(Usage(25, 3)),
    Finished("stop_sequence", "stop_sequence", "END"),
]
