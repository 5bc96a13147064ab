"""Streams as the vendor's reference shows them, with the events they stand for."""

from __future__ import annotations

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

HEAD = '"id":"chatcmpl-1","object":"chat.completion.chunk","created":1760000000,"model":"gpt-4.1"'


def chunk(delta: str, reason: str = "null") -> str:
    choice = f'{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{reason}}}'
    return f'data: {{{HEAD},"choices":[{choice}],"usage":null}}\n\n'


USAGE = (
    f'data: {{{HEAD},"choices":[],"usage":{{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,'
    '"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},'
    '"completion_tokens_details":{"reasoning_tokens":3,"audio_tokens":0}}}\n\n'
)
DONE = "data: [DONE]\n\n"
TOLD = [UsageReported(Usage(19, 10, cache_read_tokens=4, reasoning_tokens=3))]
BEGAN = Started("chatcmpl-1", "gpt-4.1")

TEXT_STREAM = (
    chunk('{"role":"assistant","content":"","refusal":null}')
    + chunk('{"content":"Hé"}')
    + chunk('{"content":"llo 😀"}')
    + chunk("{}", '"stop"')
    + USAGE
    + DONE
)
TEXT_EVENTS: list[StreamEvent] = [BEGAN, TextDelta("Hé"), TextDelta("llo 😀"), *TOLD, Finished("stop", "stop")]

TOOL_STREAM = (
    chunk('{"role":"assistant","content":null}')
    + chunk('{"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"f","arguments":""}}]}')
    + chunk('{"tool_calls":[{"index":0,"function":{"arguments":"{\\"x\\":"}}]}')
    + chunk('{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}')
    + chunk('{"tool_calls":[{"index":1,"id":"call_b","type":"function","function":{"name":"g","arguments":"{}"}}]}')
    + chunk("{}", '"tool_calls"')
    + USAGE
    + DONE
)
TOOL_EVENTS: list[StreamEvent] = [
    BEGAN,
    ToolCallDelta(0, "call_a", "f", ""),
    ToolCallDelta(0, arguments='{"x":'),
    ToolCallDelta(0, arguments="1}"),
    ToolCallDelta(1, "call_b", "g", "{}"),
    *TOLD,
    Finished("tool_calls", "tool_calls"),
]

REASONING_STREAM = (
    chunk('{"role":"assistant","content":null,"reasoning_content":"Hm"}')
    + chunk('{"content":null,"reasoning_content":"m."}')
    + chunk('{"content":"Yes","reasoning_content":null}')
    + chunk('{"content":""}', '"length"')
    + DONE
)
REASONING_EVENTS = [BEGAN, ThinkingDelta("Hm"), ThinkingDelta("m."), TextDelta("Yes"), Finished("length", "length")]

REFUSAL_STREAM = (
    chunk('{"role":"assistant","content":"","refusal":null}')
    + chunk('{"content":"","refusal":"I can"}')
    + chunk('{"refusal":"not."}')
    + chunk("{}", '"stop"')
    + DONE
)
REFUSAL_EVENTS = [BEGAN, TextDelta("I can"), TextDelta("not."), Finished("refusal", "stop")]
