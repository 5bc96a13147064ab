"""Say what was lost in the words of the caller's own body, so that they find it there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from gateway_core.dialects.anthropic_messages.words import ANTHROPIC_MESSAGES
from gateway_core.dialects.gemini.words import GEMINI
from gateway_core.dialects.openai_chat.words import OPENAI_CHAT, OPENAI_COMPLETIONS
from gateway_core.dialects.openai_responses.words import OPENAI_RESPONSES
from gateway_core.dialects.vocabulary import Places, Vocabulary
from gateway_core.inference.request import Operation

# A place by our own count: the part's number is that of the message's parts, what is inside a part is left out.
_PLACE = re.compile(
    r"(?P<list>messages|tools)\[(?P<number>\d+)\](?:\.content\[(?P<part>\d+)\])?"
    r"(?:\.(?:content|tool_calls)(?:\[\d+\])?)*(?P<rest>.*)",
    re.DOTALL,
)
_CAMEL = re.compile(r"\b[a-z]+(?:[A-Z][a-z]+)+\b")
_MOST_LOOKED_FOR = 64
_UPPER = re.compile(r"[A-Z]")
VOCABULARIES: Mapping[Operation, Vocabulary] = {
    "openai_chat": OPENAI_CHAT,
    "openai_responses": OPENAI_RESPONSES,
    "openai_completions": OPENAI_COMPLETIONS,
    "anthropic_messages": ANTHROPIC_MESSAGES,
    "gemini": GEMINI,
}
"""The words of each dialect that callers speak."""


class CallersWords:
    """Turn our names of features into the caller's; the body is read when the first is asked for."""

    __slots__ = ("_body", "_held", "_places", "_read", "_vocabulary")

    def __init__(self, operation: Operation, read_body: Callable[[], bytes]) -> None:
        self._vocabulary = VOCABULARIES.get(operation)
        self._read = read_body
        self._body: bytes | None = None
        self._places: Places | None = None
        self._held: dict[str, bool] = {}

    def __call__(self, feature: str) -> str:
        """Name a feature; what has no other name keeps its own."""
        if self._vocabulary is None:
            return feature
        return _CAMEL.sub(self._as_spelled, self._say(feature, self._vocabulary))

    def _say(self, feature: str, vocabulary: Vocabulary) -> str:
        words = vocabulary.words
        if match := _PLACE.fullmatch(feature):
            return self._in_place(match, vocabulary)
        if feature == "tools" and (others := self._find(vocabulary).others):
            return ", ".join(others)
        if feature in words:
            return self._chosen(words[feature])
        head, mark, tail = feature.partition(":")
        if not mark:
            head, mark, tail = feature.partition(" ")
        if mark and head in words:
            return self._chosen(words[head]) + mark + tail
        first, dot, member = feature.partition(".")
        return f"messages: {self._say(member, vocabulary)}" if dot and first == "messages" else feature

    def _in_place(self, match: re.Match[str], vocabulary: Vocabulary) -> str:
        """Name a place of ours, and what is there."""
        places, number = self._find(vocabulary), int(match["number"])
        what = match["rest"].lstrip(".:, ")
        label = f": {self._chosen(vocabulary.words.get(what, (what,)))}" if what else ""
        if match["list"] == "tools":
            return (places.tools[number] if number < len(places.tools) else "tools") + label
        if number >= len(places.messages):
            return "messages" + label
        spot = places.messages[number]
        part = int(match["part"] or len(spot.parts))
        return (spot.parts[part] if part < len(spot.parts) else spot.place) + label

    def _chosen(self, words: Sequence[str]) -> str:
        """Give the word that the body holds, the first when none is there."""
        if len(words) == 1:
            return words[0]
        members = {word: word.rpartition(".")[2] for word in words}
        return next((word for word in words if self._has(members[word]) or self._has(_snake(members[word]))), words[0])

    def _as_spelled(self, match: re.Match[str]) -> str:
        """Spell a member as the body does: Google reads maxOutputTokens and max_output_tokens alike."""
        member = match[0]
        return _snake(member) if not self._has(member) and self._has(_snake(member)) else member

    def _has(self, member: str) -> bool:
        """Tell whether the body has such a member anywhere; bodies are long, so each is looked for once."""
        if member not in self._held and len(self._held) < _MOST_LOOKED_FOR:
            self._held[member] = re.search(rf'"{member}"\s*:'.encode(), self._read_body()) is not None
        return self._held.get(member, False)

    def _find(self, vocabulary: Vocabulary) -> Places:
        if self._places is None:
            self._places = vocabulary.find_places(self._read_body())
        return self._places

    def _read_body(self) -> bytes:
        if self._body is None:
            self._body = self._read()
        return self._body


def _snake(member: str) -> str:
    return _UPPER.sub(lambda match: "_" + match[0].lower(), member)
