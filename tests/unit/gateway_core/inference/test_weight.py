from __future__ import annotations

import pytest

from gateway_core.inference.request import (
    Completion,
    Conversation,
    Document,
    Image,
    InferenceRequest,
    Media,
    Message,
    Part,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    conversation_of,
)
from gateway_core.inference.weight import is_heavy

LONG = "a" * (1 << 20)
USER = Message("user", (Text("hi"),))


def said(*parts: Part) -> InferenceRequest:
    return InferenceRequest("m", Conversation((Message("user", parts),)))


@pytest.mark.parametrize(
    "request_",
    [
        InferenceRequest("m", conversation_of(system="be kind", user="hi")),
        InferenceRequest("m", Completion("once upon a time")),
        InferenceRequest("m", Conversation((USER,) * 200, (Tool("f", "", {}),) * 50)),
        said(Text("a" * 100_000)),
    ],
)
def test_usual_requests_are_not_heavy(request_: InferenceRequest) -> None:
    assert not is_heavy(request_)


@pytest.mark.parametrize(
    "request_",
    [
        InferenceRequest("m", Completion(LONG + "a")),
        InferenceRequest("m", Conversation((USER,) * 501)),
        InferenceRequest("m", Conversation((USER,), (Tool("f", "", {}),) * 501)),
        said(*[Text("a")] * 501),
        said(ToolResult("c", (Text("a"),) * 501)),
        said(Text(LONG + "a")),
        said(Text(LONG), Text("a")),
        said(Image(data=LONG), Text("a")),
        said(Media("audio", url=LONG), Text("a")),
        said(Document(data=LONG), Text("a")),
        said(ToolCall("c", "f", LONG), Text("a")),
        said(ToolResult("c", (Text(LONG), Text("a")))),
    ],
)
def test_many_or_long_parts_make_a_request_heavy(request_: InferenceRequest) -> None:
    assert is_heavy(request_)
