"""What a vendor's refusal means: status first, then its code, then its text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from gateway_core.dialects.waits import wait_in_error, wait_in_headers
from gateway_core.inference.request import Json
from gateway_core.kernel.errors import (
    PromptTooLong,
    UpstreamBroken,
    UpstreamBusy,
    UpstreamFailure,
    UpstreamGarbled,
    UpstreamKeyRefused,
    UpstreamModelUnknown,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
)

_LONGEST_READ = 64 * 1024
_LONGEST_TEXT = 2_000
_LONGEST_DETAIL = 300

_TOO_LONG_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error", "prompt_too_long"})
_MODEL_CODES = frozenset({"deploymentnotfound", "model_not_found", "not_found_error", "model_not_available"})
_STATUS_OF_KIND = {
    "authentication_error": 401,
    "badrequesterror": 400,
    "billing_error": 402,
    "context_length_exceeded": 400,
    "exceed_context_size_error": 400,
    "insufficient_quota": 429,
    "invalid_api_key": 401,
    "invalid_request_error": 400,
    "model_not_found": 404,
    "not_found_error": 404,
    "overloaded_error": 529,
    "permission_error": 403,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "request_too_large": 413,
    "service_unavailable": 503,
    "timeout_error": 504,
}

# The sentences in which OpenAI, Anthropic, Google, Mistral, xAI, Bedrock, vLLM, llama.cpp, TGI and
# others say that a prompt does not fit. Read in their documentation and issue trackers, 2026-09.
_TOO_LONG_TEXT = re.compile(
    r"maximum (?:context|prompt|model) length"
    r"|context (?:length|window|size)\b.{0,40}\bexceed|exceed.{0,80}\b(?:context|model token) ?(?:length|window|size|limit)"
    r"|(?:prompt|input|context|messages?) (?:is |are |was )?(?:too long|too large)"
    r"|prompt exceeds|too large for model|longer than the (?:maximum )?model"
    r"|(?:input|prompt) tokens?.{0,40}exceed|`inputs` tokens"
    r"|reduce (?:the )?length of (?:the |your )?(?:messages|prompt|input)",
    re.IGNORECASE,
)

# Bedrock's, for a model that is unknown, not to be had without a profile, or not granted to the account.
_MODEL_TEXT = re.compile(
    r"model identifier is invalid|on-demand throughput|have access to the model with the specified", re.IGNORECASE
)

_MASK = "***"
_NAMED_SECRET = re.compile(
    r"(\b(?:bearer|basic)\s+|(?:api[-_ ]?key|authorization|secret|password|credential|\btoken|key provided)"
    r"\b[\"']?\s*[:=]\s*(?:bearer\s+)?)[^\s,;}]+",
    re.IGNORECASE,
)
_PREFIXED_SECRET = re.compile(r"\b(?:[sprx]k|xai|glpat|eyJ)[-_A-Za-z0-9]*[-_][A-Za-z0-9_.*-]{2,}")
_RUN = re.compile(r"[A-Za-z0-9_/+=.*-]{16,}")
_SEPARATOR = re.compile(r"[-/+=.]")
_TITLE = re.compile(r"<title[^>]*>([^<]{1,200})", re.IGNORECASE)


class WireShapeWrong(Exception):
    """A vendor's bytes are not what its wire format promises; the message holds no content."""


class StreamedError(Exception):
    """A vendor reported an error inside an answer that began with status 200.

    `status` is the HTTP status it names, or None; `kind` and `code` are its own words, and `retry_after`
    is what it asks to wait, as the value of a Retry-After header.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        kind: str = "",
        code: str = "",
        retry_after: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class _Words:
    """What a vendor says about its failure, each in its own words or empty."""

    code: str = ""
    kind: str = ""
    message: str = ""
    wait: str | None = None

    @property
    def names(self) -> frozenset[str]:
        return frozenset({self.code.lower(), self.kind.lower()})


def classify(
    status: int, headers_get: Callable[[str], str | None], body: bytes, *, provider: str, model: str
) -> UpstreamFailure:
    """Name the failure that a vendor's refusal stands for; no body can break it.

    The detail holds the vendor's own short message on one line, with what looks like a key masked.
    """
    words = _read_body(body)
    detail = _detail(f"HTTP {status}", words)
    kind = UpstreamRateLimited if status == 429 else _kind_of(status, words)
    failure = kind(detail, provider=provider, model=model, upstream_status=status)
    if isinstance(failure, UpstreamBusy):
        failure.retry_after = wait_in_headers(headers_get) or words.wait
    return failure


def classify_streamed(error: StreamedError, *, provider: str, model: str) -> UpstreamFailure:
    """Name the failure that an error inside a stream stands for; `upstream_status` is the one it named."""
    words = _Words(code=error.code, kind=error.kind, message=error.message)
    status = error.status or _STATUS_OF_KIND.get(error.code.lower()) or _STATUS_OF_KIND.get(error.kind.lower(), 500)
    detail = _detail("error in the stream", words)
    kind = UpstreamRateLimited if status == 429 else _kind_of(status, words)
    failure = kind(detail, provider=provider, model=model, upstream_status=error.status)
    if isinstance(failure, UpstreamBusy):
        failure.retry_after = error.retry_after
    return failure


def streamed_error(body: bytes) -> StreamedError:
    """Read an error object, or an object around one, into the exception."""
    words = _read_body(body)
    number = int(words.code) if words.code.isascii() and words.code.isdigit() and len(words.code) == 3 else None
    return StreamedError(
        words.message or "no message", status=number, kind=words.kind, code=words.code, retry_after=words.wait
    )


def _kind_of(status: int, words: _Words) -> type[UpstreamFailure]:
    if status < 400:
        return UpstreamGarbled
    if status in {400, 403} and _MODEL_TEXT.search(words.message):
        return UpstreamModelUnknown
    # 402: the account behind the key is out of credit, which another key may not be.
    if status in {401, 402, 403}:
        return UpstreamKeyRefused
    if status in {503, 529} or (status >= 500 and "overloaded_error" in words.names):
        return UpstreamOverloaded
    # 408 and 424: Bedrock's model took too long, or failed.
    if status >= 500 or status in {408, 424}:
        return UpstreamBroken
    return _rejection_of(status, words)


def _rejection_of(status: int, words: _Words) -> type[UpstreamRejected]:
    if status in {400, 413, 422} and (words.names & _TOO_LONG_CODES or _TOO_LONG_TEXT.search(words.message)):
        return PromptTooLong
    if "model_not_found" in words.names:
        return UpstreamModelUnknown
    if status == 404 and words.names & _MODEL_CODES:
        return UpstreamModelUnknown
    if status == 404 and re.search(r"\bmodels?\b", words.message, re.IGNORECASE):
        return UpstreamModelUnknown
    return UpstreamRejected


def _read_body(body: bytes) -> _Words:
    """Find code, type and message in any of the shapes vendors use."""
    if not body.strip():
        return _Words(message="no body")
    try:
        value: Json = msgspec.json.decode(body[:_LONGEST_READ])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Words(message=_plain_text(body[:_LONGEST_READ].decode(errors="replace")))
    return _words_of(value)


def _words_of(value: Json) -> _Words:
    """Read an error value: text, an object, an object around one, or a list of them."""
    for _ in range(4):
        if isinstance(value, list) and value:
            value = value[0]
        elif isinstance(value, dict) and isinstance(value.get("error"), (dict, list)):
            value = value["error"]
        else:
            break
    if isinstance(value, str):
        return _Words(message=value[:_LONGEST_TEXT])
    if not isinstance(value, dict):
        return _Words(message="a body without a message")
    # `__type`: services of AWS.
    kind = value.get("type", value.get("status", value.get("__type")))
    return _Words(_text(value.get("code")), _text(kind), _message_of(value), wait_in_error(value))


def _message_of(error: dict[str, Json]) -> str:
    for name in ("message", "Message", "error", "detail", "msg", "error_description"):
        said = error.get(name)
        # Mistral wraps what its framework says: {"message": {"detail": [{"msg": …}]}}.
        for _ in range(3):
            if isinstance(said, list) and said:
                said = said[0]
            elif isinstance(said, dict):
                said = said.get("msg", said.get("message", said.get("detail")))
        if isinstance(said, str) and said.strip():
            return said[:_LONGEST_TEXT]
    return "no message"


def _text(value: Json) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return str(value)[:60]


def _plain_text(text: str) -> str:
    if text.lstrip().startswith("<"):
        title = _TITLE.search(text)
        return f"a page of HTML: {title[1]}" if title else "a page of HTML"
    return text[:_LONGEST_TEXT]


def _detail(opening: str, words: _Words) -> str:
    """Write one printable line; name and message are masked apart, lest `invalid_api_key: …` look like a key."""
    name = _mask(words.code or words.kind)
    message = _mask(" ".join(words.message.split()))
    line = " ".join(f"{opening} {name}".split()) + f": {message}"
    line = "".join(char if char.isprintable() else "?" for char in line)
    return line if len(line) <= _LONGEST_DETAIL else line[: _LONGEST_DETAIL - 1] + "…"


def _mask(text: str) -> str:
    text = _NAMED_SECRET.sub(lambda match: match[1] + _MASK, text)
    text = _PREFIXED_SECRET.sub(_MASK, text)
    return _RUN.sub(lambda match: _MASK if _looks_secret(match[0]) else match[0], text)


def _looks_secret(run: str) -> bool:
    """Tell base64 and hexadecimal from names: `Qwen3-Coder-480B-Instruct` is pieced together, a key is not."""
    return any(_is_dense(piece) for piece in _SEPARATOR.split(run))


def _is_dense(piece: str) -> bool:
    if len(piece) < 12:
        return False
    digit = any(char.isdigit() for char in piece)
    mixed = digit and piece != piece.lower() and piece != piece.upper()
    return mixed or len(piece) >= 40 or (digit and len(piece) >= 20)
