"""What Google's callers wrote, for what our vocabulary has a name for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from gateway_core.dialects.gemini.members import Members
from gateway_core.dialects.gemini.turns import parse_placed, parse_system
from gateway_core.dialects.vocabulary import Places, Spot, Vocabulary
from gateway_core.inference.request import Message

_CONFIG = "generationConfig"
_THINKING = f"{_CONFIG}.thinkingConfig"
_CALLING = "toolConfig.functionCallingConfig"
_EFFORT = (f"{_THINKING}.thinkingLevel", f"{_THINKING}.thinkingBudget")
_FORMAT = (f"{_CONFIG}.responseJsonSchema", f"{_CONFIG}.responseSchema", f"{_CONFIG}.responseMimeType")
_LIMIT = (f"{_CONFIG}.maxOutputTokens",)
_WORDS: Mapping[str, tuple[str, ...]] = {
    "answer format": _FORMAT,
    "answer_format": _FORMAT,
    "detail": ("mediaResolution",),
    "frequency_penalty": (f"{_CONFIG}.frequencyPenalty",),
    "image detail": ("mediaResolution",),
    "logprobs": (f"{_CONFIG}.responseLogprobs",),
    "max_completion_tokens": _LIMIT,
    "max_tokens": _LIMIT,
    "presence_penalty": (f"{_CONFIG}.presencePenalty",),
    "reasoning": (_THINKING,),
    "reasoning.budget": (f"{_THINKING}.thinkingBudget",),
    "reasoning.effort": _EFFORT,
    "reasoning.summary": (f"{_THINKING}.includeThoughts",),
    "reasoning_content": ("thought",),
    "reasoning_details": ("thought",),
    "reasoning_effort": _EFFORT,
    "response_format": _FORMAT,
    "seed": (f"{_CONFIG}.seed",),
    "signature": ("thoughtSignature",),
    "signature of a tool call": ("thoughtSignature",),
    "stop": (f"{_CONFIG}.stopSequences",),
    "temperature": (f"{_CONFIG}.temperature",),
    "title": ("displayName",),
    "tool_choice": (_CALLING,),
    "tool_choice.allowed": (f"{_CALLING}.allowedFunctionNames",),
    "tool_choice.name": (f"{_CALLING}.allowedFunctionNames",),
    "top_k": (f"{_CONFIG}.topK",),
    "top_logprobs": (f"{_CONFIG}.logprobs",),
    "top_p": (f"{_CONFIG}.topP",),
}


def _find_places(body: bytes) -> Places:
    members = Members(body)
    spots = [Spot("systemInstruction") for _ in parse_system(members.object("systemInstruction"))]
    counts = {content.where: len(list(content.objects("parts"))) for content in members.objects("contents")}
    tools: list[str] = []
    others: list[str] = []
    for item in members.objects("tools"):
        tools += [declared.where for declared in item.objects("functionDeclarations")]
        others += [item.place(name) for name in sorted(item.names() - {"functionDeclarations"})]
    return Places([*spots, *_spots(parse_placed(members.objects("contents")), counts)], tools, others)


def _spots(placed: Sequence[tuple[Message, str]], counts: Mapping[str, int]) -> Iterator[Spot]:
    """Place messages; the parts of a user's turn are ours one by one, unless one of them says nothing."""
    totals: Counter[str] = Counter()
    for message, place in placed:
        totals[place] += len(message.parts)
    taken: Counter[str] = Counter()
    for message, place in placed:
        first = taken[place]
        taken[place] += len(message.parts)
        told = message.role != "assistant" and totals[place] == counts[place]
        yield Spot(place, tuple(f"{place}.parts[{number}]" for number in range(first, taken[place])) if told else ())


GEMINI = Vocabulary(_WORDS, _find_places)
"""The words of `generateContent`."""
