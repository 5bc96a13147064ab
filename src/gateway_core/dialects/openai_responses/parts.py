"""The parts of messages and of tools' outputs, in both directions.

A text file given as base64 is read as the text it holds, and written as base64 again. A file without
a name is sent under one that stands for none, for the vendor asks for a name beside the data.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence

from gateway_core.dialects.openai_responses.reports import parse_annotation, render_annotation, says_all
from gateway_core.dialects.openai_responses.schema import BreakpointItem, ContentPart
from gateway_core.dialects.openai_responses.target import Target
from gateway_core.inference.request import CacheMark, Document, Image, Json, Media, Refusal, Text
from gateway_core.kernel.errors import FeatureUnsupported, RequestInvalid

SaidPart = Text | Refusal | Image | Document | Media
Extras = dict[str, Json]
Content = str | list[Mapping[str, object]]
"""A message's content as it is written."""

_USUAL_DETAIL = "auto"
_DATA_URL = re.compile(r"data:(?P<kind>[^;,]*)(?:;[^;,]*)*;base64,(?P<data>.*)", re.DOTALL)
_NAMELESS = re.compile(r"document\.\w+")
_ENDINGS = {
    "application/pdf": "pdf",
    "text/plain": "txt",
    "text/markdown": "md",
    "text/csv": "csv",
    "text/html": "html",
}
_KINDS = {ending: kind for kind, ending in _ENDINGS.items()}

# The vendor keeps a marked prompt for half an hour or twelve; others for five minutes or one hour. A
# mark is carried to the next lifetime that is long enough, and comes back as what it was.
_LONGER = {"5m": "30m", "1h": "12h"}
_SHORTER = {longer: shorter for shorter, longer in _LONGER.items()}


def parse_content(content: str | Sequence[ContentPart] | None, *, where: str, extras: Extras) -> tuple[SaidPart, ...]:
    """Read text or parts; no text at all is no part."""
    if isinstance(content, str):
        return (Text(content),) if content else ()
    return tuple(
        _parse_part(part, where=f"{where}[{number}]", extras=extras) for number, part in enumerate(content or ())
    )


def parse_output(
    content: str | Sequence[ContentPart], *, where: str, extras: Extras
) -> tuple[Text | Image | Document | Media, ...]:
    """Read what a tool answered."""
    parts = parse_content(content, where=where, extras=extras)
    return tuple(Text(part.text) if isinstance(part, Refusal) else part for part in parts)


def _parse_part(part: ContentPart, *, where: str, extras: Extras) -> SaidPart:
    cache = _parse_mark(part.prompt_cache_breakpoint)
    match part:
        case ContentPart(type="input_text" | "output_text" | "text", text=str(text)):
            cited = tuple(parse_annotation(annotation) for annotation in part.annotations or ())
            return Text(text, cache, cited)
        case ContentPart(type="refusal", refusal=str(text)):
            return Refusal(text)
        case ContentPart(type="input_image") if part.image_url or part.file_id:
            return _parse_image(part, cache)
        case ContentPart(type="input_file") if part.file_data or part.file_url or part.file_id:
            if part.detail:
                extras[f"{where}.detail"] = part.detail
            return _parse_file(part, cache)
        case ContentPart(type="input_audio", input_audio=audio) if audio is not None:
            return Media("audio", f"audio/{audio.format}", audio.data)
        case ContentPart(type="input_text" | "output_text" | "text" | "refusal" | "input_image" | "input_file"):
            raise RequestInvalid(
                f"{where}: a part of type {part.type!r} lacks its member; send input_text and output_text with `text`, "
                "refusal with `refusal`, input_image with `image_url` or `file_id`, input_file with `file_data`, "
                "`file_url` or `file_id`."
            )
        case _:
            raise FeatureUnsupported(f"{where} of type {part.type[:60]!r}", target="this gateway's translation")


def _parse_image(part: ContentPart, cache: CacheMark | None) -> Image:
    url = part.image_url or ""
    detail = "" if part.detail in {None, _USUAL_DETAIL} else part.detail or ""
    if url.startswith("data:") and (match := _DATA_URL.fullmatch(url)):
        return Image(match["kind"], match["data"], file_id=part.file_id or "", detail=detail, cache=cache)
    return Image(url=url, file_id=part.file_id or "", detail=detail, cache=cache)


def _parse_file(part: ContentPart, cache: CacheMark | None) -> Document:
    name = part.filename or ""
    title = "" if _NAMELESS.fullmatch(name) else name
    if part.file_data is None:
        return Document(url=part.file_url or "", file_id=part.file_id or "", title=title, cache=cache)
    match = _DATA_URL.fullmatch(part.file_data)
    kind = match["kind"] if match else _KINDS.get(name.rpartition(".")[2].lower(), "application/pdf")
    data = match["data"] if match else part.file_data
    text = _text_in(kind, data)
    if text:
        return Document(kind, text=text, title=title, cache=cache)
    return Document(kind, data, title=title, cache=cache)


def _text_in(kind: str, data: str) -> str:
    """Give the text that base64 holds, if writing it again gives the same base64."""
    if not kind.startswith("text/"):
        return ""
    try:
        text = base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
    return text if base64.b64encode(text.encode()).decode() == data else ""


def _parse_mark(mark: BreakpointItem | None) -> CacheMark | None:
    return None if mark is None else CacheMark(_SHORTER.get(mark.ttl or "", mark.ttl or ""))


def render_said(parts: Sequence[SaidPart], *, role: str, where: str, target: Target) -> Content:
    """Write the content of a message: text alone as text, anything else as parts."""
    wires = [_render_said_part(part, role=role, where=where, target=target) for part in parts]
    written = [wire for wire in wires if wire is not None]
    if not written:
        return ""
    match written:
        case [{"type": _, "text": str(text), **more}] if text and not more:
            return text
    return written


def render_output(
    parts: Sequence[Text | Image | Document | Media], *, cache: CacheMark | None, where: str, target: Target
) -> Content:
    """Write what a tool answered; a mark on the whole goes to its last part."""
    content = render_said(parts, role="user", where=where, target=target)
    mark = _render_mark(cache, where=where, target=target)
    if not mark or not content:
        return content
    pieces: Sequence[Mapping[str, object]] = (
        content if isinstance(content, list) else [{"type": "input_text", "text": content}]
    )
    return [*pieces[:-1], {**pieces[-1], **mark}]


def _render_said_part(part: SaidPart, *, role: str, where: str, target: Target) -> Mapping[str, object] | None:
    if role == "assistant" and not isinstance(part, (Text, Refusal)) and not target.home:
        target.losses.cannot(f"{where}: {_kind_of(part)} said by the assistant", "answers there are text")
        return None
    match part:
        case Text():
            return _render_text(part, role=role, where=where, target=target)
        case Refusal():
            spoken = {"type": "refusal", "refusal": part.text}
            return spoken if role == "assistant" else {"type": "input_text", "text": part.text}
        case Image():
            return _render_image(part, target) | _render_mark(part.cache, where=where, target=target)
        case Document():
            return _render_file(part, where=where, target=target)
        case Media():
            return _render_media(part, where=where, target=target)


def _render_text(part: Text, *, role: str, where: str, target: Target) -> Mapping[str, object]:
    if role == "assistant":
        return _render_spoken(part, where=where, target=target)
    return {"type": "input_text", "text": part.text, **_render_mark(part.cache, where=where, target=target)}


def _render_spoken(part: Text, *, where: str, target: Target) -> dict[str, object]:
    """Write text of an earlier answer; the vendor takes no cache marks there."""
    wire: dict[str, object] = {"type": "output_text", "text": part.text}
    if part.cache is not None:
        if target.home:
            wire |= _render_mark(part.cache, where=where, target=target)
        else:
            target.losses.hint(f"{where}: cache mark")
    cited = [citation for citation in part.citations if target.home or says_all(citation)]
    if len(cited) < len(part.citations):
        target.losses.hint(f"{where}: citations")
    if cited:
        wire["annotations"] = [render_annotation(citation) for citation in cited]
    return wire


def _render_image(image: Image, target: Target) -> dict[str, object]:
    """Write a picture; the vendor's schema wants to hear how closely it is looked at, even if as usual."""
    wire: dict[str, object] = {"type": "input_image"}
    if image.file_id:
        wire["file_id"] = image.file_id
    if image.data:
        wire["image_url"] = f"data:{image.media_type};base64,{image.data}"
    elif image.url:
        wire["image_url"] = image.url
    if detail := image.detail or ("" if target.home else _USUAL_DETAIL):
        wire["detail"] = detail
    return wire


def _render_file(document: Document, *, where: str, target: Target) -> dict[str, object]:
    if document.context:
        target.losses.cannot(f"{where}: context of a document")
    if document.citable:
        target.losses.cannot(f"{where}: citations of a document")
    wire: dict[str, object] = {"type": "input_file"}
    kind = document.media_type or ("text/plain" if document.text else "application/pdf")
    data = base64.b64encode(document.text.encode(errors="replace")).decode() if document.text else document.data
    if data:
        wire["file_data"] = f"data:{kind};base64,{data}"
    elif document.url:
        wire["file_url"] = document.url
    if document.file_id:
        wire["file_id"] = document.file_id
    if document.title:
        wire["filename"] = document.title
    elif data:
        wire["filename"] = f"document.{_ENDINGS.get(kind, 'txt' if document.text else 'bin')}"
    return wire | _render_mark(document.cache, where=where, target=target)


def _render_media(media: Media, *, where: str, target: Target) -> dict[str, object] | None:
    """Write sound for the servers that take it; the vendor's own models take none here."""
    if not target.home:
        target.losses.cannot(f"{where}: {media.kind}", "it takes text, images and files")
        return None
    audio = {"data": media.data, "format": media.media_type.removeprefix("audio/")}
    return {"type": "input_audio", "input_audio": audio}


def _render_mark(mark: CacheMark | None, *, where: str, target: Target) -> dict[str, object]:
    if mark is None:
        return {}
    if not target.takes_marks:
        target.losses.hint(f"{where}: cache mark")
        return {}
    wire = {"mode": "explicit"}
    if mark.ttl:
        wire["ttl"] = _LONGER.get(mark.ttl, mark.ttl)
    return {"prompt_cache_breakpoint": wire}


def _kind_of(part: Image | Document | Media) -> str:
    return part.kind if isinstance(part, Media) else type(part).__name__.lower()
