"""Structured logs: one JSON object a line, or a console form for people.

The server's and the libraries' own loggers (standard library) go through the
same processors, so that every line has one shape.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger, Processor
from typing_extensions import override

from gateway_core.kernel.errors import GatewayFailure, SettingInvalid
from gateway_core.telemetry.context import current_facts
from gateway_core.telemetry.redaction import Redactor
from gateway_core.telemetry.stamps import Stamper

EventFields = MutableMapping[str, object]

redactor = Redactor()
"""The one redactor of the process; whoever reads a secret teaches it."""

_stamps = Stamper("Z")
_encode = msgspec.json.Encoder(enc_hook=str).encode


def get_log(name: str) -> FilteringBoundLogger:
    """Give the logger of this name; it may be made before logging is configured."""
    log: FilteringBoundLogger = structlog.get_logger(logger_name=name)
    return log


def configure_logging(*, level: str, as_json: bool, to_file: Path | None) -> None:
    """Set up logging for this process; raises SettingInvalid when the file cannot be opened."""
    number = logging.getLevelNamesMapping()[level.upper()]
    own = _Sink(_open_sink(to_file))
    # cast: the factory takes a whole file, and uses what a sink has.
    sink = cast("BinaryIO", own)
    fast.sink = own if as_json and number <= logging.INFO else None
    structlog.configure(
        processors=[*_SHARED, *(_JSON if as_json else _console(colours=to_file is None and sys.stderr.isatty()))],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(sink),
        cache_logger_on_first_use=True,
    )
    _route_standard_library(number)
    sys.excepthook = _log_uncaught


class LineStart:
    """What many lines begin with: their logger, message and first fields, masked and rendered once.

    Values are masked each by itself, so a secret that is put together from two of them would not be
    found: no field may be made so.
    """

    __slots__ = ("_fields", "_logger", "_message", "_rendered", "_revision")

    def __init__(self, logger: str, message: str, fields: EventFields) -> None:
        self._logger = logger
        self._message = message
        self._fields = fields
        self._rendered = b""
        self._revision = -1

    def rendered(self) -> bytes:
        """Give its members, as JSON, with a comma behind them."""
        if self._revision != redactor.revision:
            own = {"logger": self._logger, "level": "info", "type": "mlops", "stage": "main"}
            fields: EventFields = {**self._fields, "message": self._message}
            redactor.mask_values(fields)
            redactor.mask_fields(fields)
            self._rendered, self._revision = _encode({**fields, **own})[1:-1] + b",", redactor.revision
        return self._rendered

    def log_slowly(self, fields: EventFields) -> None:
        """Write a line the way that all others go."""
        get_log(self._logger).info(self._message, **self._fields, **fields)


def log_line(start: LineStart, fields: EventFields, *, arrived: str) -> None:
    """Write one line at level info, as the logger would, and in a fifth of its time.

    For the one line that every request writes; `flush_lines` hands on what was written. As above,
    values are masked each by itself. `arrived` is a time. The fields are taken over, and are none of the start's.
    """
    sink, facts = fast.sink, current_facts()
    if facts is not None:
        for name, value in facts.bound.items():
            fields.setdefault(name, value)
    if sink is None or not redactor.mask_values(fields):
        start.log_slowly({**fields, "request_arrived_at": arrived})
        return
    fields["request_arrived_at"] = arrived
    if facts is not None and "correlation_id" not in fields:
        request_id = facts.correlation_id
        fields["correlation_id"] = redactor.mask_once(request_id) if facts.told_id else request_id
    fields["timestamp"] = _stamps.now()
    redactor.mask_fields(fields)
    fast.due.append(b"{%b%b\n" % (start.rendered(), _encode(fields)[1:]))


def flush_lines() -> None:
    """Hand on the lines that `log_line` wrote, all in one."""
    due, fast.due = fast.due, []
    if fast.sink is not None and due:
        fast.sink.write(b"".join(due))
        fast.sink.flush()


class _Fast:
    """Where fast lines go: nowhere unless they are wanted and in JSON; and those that wait to be written."""

    def __init__(self) -> None:
        self.sink: _Sink | None = None
        self.due: list[bytes] = []


fast = _Fast()


class _Sink:
    """Where lines go; one that cannot be written is lost, and breaks no request."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.name = getattr(file, "name", "")
        self.lost = 0

    def write(self, line: bytes) -> int:
        """Write one line, if that can be."""
        try:
            return self._file.write(line)
        except (OSError, ValueError):
            # A full disk or a closed pipe; ValueError is a file that was closed.
            self.lost += 1
            return len(line)

    def flush(self) -> None:
        """Hand the line on."""
        try:
            self._file.flush()
        except (OSError, ValueError):
            self.lost += 1


def _open_sink(to_file: Path | None) -> BinaryIO:
    if to_file is None:
        return sys.stderr.buffer
    try:
        return to_file.open("ab")
    except OSError as error:
        message = (
            f"AIGW_LOGGING__TO_FILE={str(to_file)!r} cannot be opened: {error.strerror}; give a file we may write."
        )
        raise SettingInvalid(message) from error


def _bind_request(_logger: object, _method: str, fields: EventFields) -> EventFields:
    fields["logger"] = fields.pop("logger_name", "")
    facts = current_facts()
    if facts is not None:
        for name, value in facts.bound.items():
            fields.setdefault(name, value)
        fields.setdefault("correlation_id", facts.correlation_id)
    return fields


def _mask_fields(_logger: object, _method: str, fields: EventFields) -> EventFields:
    redactor.mask_fields(fields)
    return fields


def _as_mlops(_logger: object, _method: str, fields: EventFields) -> EventFields:
    fields["message"] = fields.pop("event", "")
    fields["type"] = "mlops"
    fields["stage"] = "main"
    return fields


def _render_json(_logger: object, _method: str, fields: EventFields) -> bytes:
    return redactor.mask_text(_encode(fields))


def _render_text(_logger: object, _method: str, line: EventFields) -> bytes:
    # The renderer before this one has made a text of the fields.
    return redactor.mask_text(str(line).encode())


_SHARED: tuple[Processor, ...] = (
    _bind_request,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _mask_fields,
)
_JSON: tuple[Processor, ...] = (_as_mlops, structlog.processors.ExceptionRenderer(), _render_json)


def _console(*, colours: bool) -> tuple[Processor, ...]:
    renderer = structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
    return (renderer, _render_text)


class _KnownFailures(logging.Filter):
    """Drop the server's report of a failure that was reported already, where it happened.

    A stream that fails after it began is cut by raising; the server takes that for a crash.
    """

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, GatewayFailure | asyncio.CancelledError)


class _ToStructlog(logging.Handler):
    """Send a standard-library record down the same processors."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            fields: dict[str, object] = {"logger_name": record.name}
            if record.exc_info:
                fields["exc_info"] = record.exc_info
            structlog.get_logger().log(_named_level(record.levelno), record.getMessage(), **fields)
        # A log line that cannot be written must never break the request that wrote it.
        except Exception:  # noqa: BLE001
            self.handleError(record)


def _named_level(level: int) -> int:
    """Give the named level at or below a level of a library's own making."""
    return min(max(level // 10 * 10, logging.DEBUG), logging.CRITICAL)


def _route_standard_library(level: int) -> None:
    root = logging.getLogger()
    root.handlers[:] = [_ToStructlog()]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.error").addFilter(_KnownFailures())
    # At info it tells each of its plugins and steps.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Ours is api.access; the server's own would say it twice.
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    access.disabled = True


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    get_log("root").critical("Uncaught exception", exc_info=(kind, error, trace))
