"""`contents` to messages.

A turn of the model may come in several contents, as streams are kept by Google's clients: they are
one message, and the pieces of a text or a thought are one part again. What tools answered is a turn of the tool role, apart from what the user says beside it.

A call without an id gets `call_<number>_<name>`, counted through the conversation, and a result
without one, or with one that no call has, answers the first open call of its name.

A signature on a text has no place there in our vocabulary: it becomes a thought without text before
that text. `partMetadata` is the caller's own, but for what `answers` puts there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway_core.dialects.gemini.media import HERE, parse_detail, parse_file, parse_inline
from gateway_core.dialects.gemini.members import Members
from gateway_core.dialects.gemini.results import parse_result
from gateway_core.dialects.gemini.signatures import parse_redacted, parse_signature
from gateway_core.inference.request import Message, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from gateway_core.kernel.errors import FeatureUnsupported, RequestInvalid

_KINDS = ("functionCall", "functionResponse", "inlineData", "fileData", "text")
_BESIDE = frozenset({"thought", "thoughtSignature", "partMetadata", "mediaResolution"})


class CallIds:
    """Give calls their ids, and results those of the calls that they answer."""

    def __init__(self) -> None:
        self._count = 0
        self._open: list[tuple[str, str]] = []
        self._given: set[str] = set()

    def of_call(self, given: str, name: str) -> str:
        """Take the next call."""
        made = made_id(self._count, name)
        call_id = given or made
        self._count += 1
        self._given.add(call_id)
        self._open.append((call_id, name))
        return call_id

    def of_result(self, given: str, name: str) -> str:
        """Take the next result."""
        call_id = given if given in self._given else self._first_open(name) or given or made_id(self._count, name)
        self._open = [call for call in self._open if call[0] != call_id]
        return call_id

    def _first_open(self, name: str) -> str:
        return next((call_id for call_id, called in self._open if called == name), "")


def made_id(number: int, name: str) -> str:
    """Name a call that came without an id."""
    return f"call_{number}_{name}"


def parse_system(instruction: Members | None) -> Iterator[Message]:
    """Read the system instruction."""
    if instruction is None:
        return
    texts: list[Part] = []
    for part in instruction.objects("parts"):
        text = part.text("text")
        if text is None:
            raise FeatureUnsupported(f"{part.where} without text", target=HERE)
        texts += [Text(text)] if text else []
    if texts:
        yield Message("system", tuple(texts))


def parse_turns(contents: Iterable[Members]) -> tuple[Message, ...]:
    """Read the conversation."""
    return tuple(message for message, _ in parse_placed(contents))


def parse_placed(contents: Iterable[Members]) -> list[tuple[Message, str]]:
    """Read the conversation, each message with the place of the content that it begins in."""
    messages: list[tuple[Message, str]] = []
    ids = CallIds()
    pieces = _Pieces()
    for content in contents:
        role = content.text("role") or "user"
        items = list(content.objects("parts"))
        parts = [part for item in items for part in _parse_part(item, role=role, ids=ids)]
        match role:
            case "model" if messages and messages[-1][0].role == "assistant":
                last, where = messages[-1]
                messages[-1] = Message("assistant", pieces.join(last.parts, parts, items)), where
            case "model":
                messages.append((Message("assistant", tuple(parts)), content.where))
                pieces = _Pieces()
                pieces.note(items)
            case "user" | "function" | "tool":
                messages += [(message, content.where) for message in _parse_user(parts)]
            case _:
                raise RequestInvalid(f"{content.place('role')}: {role!r} is not known; send user or model.")
    return messages


class _Pieces:
    """Put together what was streamed: a piece that begins a content continues the one that ended the last."""

    def __init__(self) -> None:
        self._open = ""

    def note(self, items: Iterable[Members]) -> None:
        """Remember how a content ends; a part that says nothing ends nothing."""
        for item in items:
            self._open = _piece_of(item) or ("" if item.names() - {"text"} else self._open)

    def join(self, before: tuple[Part, ...], parts: list[Part], items: list[Members]) -> tuple[Part, ...]:
        """Give the parts of a turn and those of the content after it."""
        goes_on = bool(items) and self._open != "" and _piece_of(items[0]) == self._open
        self.note(items)
        match before[-1:], parts:
            case (Text(text=first),), [Text(text=second), *rest] if goes_on:
                return (*before[:-1], Text(first + second), *rest)
            case (Refusal(text=first),), [Refusal(text=second), *rest] if goes_on:
                return (*before[:-1], Refusal(first + second), *rest)
            case (Thinking(signature="") as first,), [Thinking() as second, *rest] if goes_on:
                whole = Thinking(first.text + second.text, second.signature, id=first.id or second.id)
                return (*before[:-1], whole, *rest)
            case _:
                return (*before, *parts)


def _piece_of(item: Members) -> str:
    """Tell what a part is a piece of; empty for what is whole by itself."""
    meta = item.object("partMetadata")
    if (meta and meta.raw("begins")) or parse_redacted(item.text("thoughtSignature")) is not None:
        return ""
    if item.flag("thought"):
        return "thought"
    return "text" if item.text("text") else ""


def _parse_user(parts: list[Part]) -> Iterator[Message]:
    """Part tool results, which are a turn of the tool role, from what the user says."""
    if not parts:
        yield Message("user", ())
    run: list[Part] = []
    for part in parts:
        if run and isinstance(run[-1], ToolResult) is not isinstance(part, ToolResult):
            yield _run_of(run)
            run = []
        run.append(part)
    if run:
        yield _run_of(run)


def _run_of(parts: list[Part]) -> Message:
    return Message("tool" if isinstance(parts[0], ToolResult) else "user", tuple(parts))


def _parse_part(part: Members, *, role: str, ids: CallIds) -> Iterable[Part]:
    said = part.names()
    kind = next((kind for kind in _KINDS if kind in said), "text" if "thoughtSignature" in said else "")
    if unknown := sorted(said - {kind} - _BESIDE):
        raise FeatureUnsupported(f"{part.where}.{unknown[0]}", target=HERE)
    inside = part.object(kind) if kind not in {"", "text"} else None
    if inside is None:
        return _parse_text(part) if kind else _nothing(part)
    match kind:
        case "functionCall":
            if role != "model":
                raise _misplaced(part, kind, "model")
            return [_parse_call(part, inside, ids=ids)]
        case "functionResponse":
            if role == "model":
                raise _misplaced(part, kind, "user")
            name = inside.text("name") or ""
            call_id = ids.of_result(inside.text("id") or "", name)
            return [parse_result(inside, call_id=call_id, name=name)]
        case "inlineData":
            return [parse_inline(inside, detail=parse_detail(part))]
        case _:
            return [parse_file(inside, detail=parse_detail(part))]


def _parse_text(part: Members) -> Iterable[Part]:
    text, wire = part.text("text") or "", part.text("thoughtSignature")
    meta = part.object("partMetadata")
    redacted, signature = parse_redacted(wire), parse_signature(wire)
    name = (meta.text("reasoningId") if meta else None) or ""
    if redacted is not None:
        yield Thinking(redacted, redacted=True, id=name)
    elif part.flag("thought"):
        yield Thinking(text, signature, id=name)
        return
    elif signature:
        yield Thinking("", signature)
    if text:
        yield Refusal(text) if meta and meta.raw("refusal") == b"true" else Text(text)


def _parse_call(part: Members, call: Members, *, ids: CallIds) -> ToolCall:
    name = call.text("name")
    if not name:
        raise RequestInvalid(f"{call.place('name')}: this member is required; add it.")
    # Arguments that come in pieces are a way of streaming, which a request does not do.
    if call.names() & {"partialArgs", "willContinue"}:
        raise FeatureUnsupported(f"{call.where}.partialArgs", target=HERE)
    call.schema("args")
    arguments = (call.raw("args") or b"{}").decode(errors="replace")
    call_id = ids.of_call(call.text("id") or "", name)
    return ToolCall(call_id, name, arguments, parse_signature(part.text("thoughtSignature")))


def _misplaced(part: Members, kind: str, role: str) -> RequestInvalid:
    return RequestInvalid(f"{part.place(kind)}: this stands in a turn of the {role} only; mend the role.")


def _nothing(part: Members) -> Iterable[Part]:
    raise RequestInvalid(f"{part.where}: a part needs one of {', '.join(_KINDS)}; add it.")
