"""Answers without a model: for trying out, and for tests of what calls us.

The texts and their form are those of the mock mode that GitLab's own tests rely on:
a prompt of ours is answered `mock` or `mock completion`,
anything else is echoed as JSON.

Source: HTTP specification, section 8.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Sequence

from gateway_core.inference.events import Finished, Started, StreamEvent, TextDelta
from gateway_core.inference.losses import Losses
from gateway_core.inference.ports import Lease, RawAnswer, RawCall
from gateway_core.inference.request import Completion, InferenceRequest, Json, Message, Operation, Sampling, Text
from gateway_core.kernel.errors import NoModelConfigured

_BLANKS = re.compile(r"(\s)")


class ScriptedProvider:
    """The provider of mock mode."""

    @property
    def name(self) -> str:
        """The provider's name."""
        return "scripted"

    def speaks(self, operation: Operation) -> bool:
        """Tell that nothing can be passed through: there is nobody behind this."""
        del operation
        return False

    async def forward(self, call: RawCall, lease: Lease) -> RawAnswer:
        """Refuse; see `speaks`."""
        del lease
        raise NoModelConfigured(f"The scripted model does not answer {call.operation}; configure a provider.")

    async def stream(
        self, request: InferenceRequest, lease: Lease, *, losses: Losses | None = None
    ) -> AsyncGenerator[StreamEvent]:
        """Answer; streamed answers come word by word, each blank as a piece of its own."""
        del lease, losses
        text = script(request)
        yield Started("scripted", request.model)
        for piece in _BLANKS.split(text) if request.stream else [text]:
            if piece:
                yield TextDelta(piece)
        yield Finished("stop", "stop")

    async def answer(
        self, request: InferenceRequest, lease: Lease, *, losses: Losses | None = None
    ) -> Sequence[StreamEvent]:
        """Answer, all at once."""
        return [event async for event in self.stream(request, lease, losses=losses)]


def script(request: InferenceRequest) -> str:
    """Give the text that mock mode answers to a request."""
    if request.prompt_id:
        return "mock completion" if isinstance(request.prompt, Completion) else "mock"
    body: dict[str, Json]
    if isinstance(request.prompt, Completion):
        body = {"prefix": request.prompt.prompt, "suffix": request.prompt.suffix}
    else:
        body = {"messages": [_message(message) for message in request.prompt.messages]}
    body |= {"stream": request.stream, "kwargs": {}}
    return "echo: " + json.dumps(body | _parameters(request.sampling))


def _message(message: Message) -> dict[str, Json]:
    text = "".join(part.text for part in message.parts if isinstance(part, Text))
    return {"role": message.role, "content": text}


def _parameters(sampling: Sampling) -> dict[str, Json]:
    named = {
        "temperature": sampling.temperature,
        "max_output_tokens": sampling.max_tokens,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
    }
    return {name: str(value) for name, value in named.items() if value is not None}
