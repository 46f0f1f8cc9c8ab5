"""Logs by allow-list: what is not named here never reaches a line.

No message of an exception and no argument of a foreign logger is written: both quote data. The
class of the error and the places in the code are enough to find a fault.
"""

import logging
import sys
import time
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any, TypeAlias, cast
from uuid import uuid4

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from structlog.types import EventDict, Processor, WrappedLogger

ALLOWED = frozenset({
    "event", "level", "timestamp", "logger",
    "request_id", "method", "path", "status", "ms",
    "code", "error", "where",
    "job", "name", "count", "seconds", "worker", "port", "migration", "version", "seal",
})  # fmt: skip
_OUR_FRAMES = 12

_Fault: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]


def drop_unlisted(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: value for key, value in event.items() if key in ALLOWED}


def tell_where(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put an exception's class and frames in place of its text and its local values."""
    fault = _fault(event.pop("exc_info", None))
    if fault:
        kind, _, trace = fault
        event["error"] = kind.__qualname__
        frames = traceback.extract_tb(trace)[-_OUR_FRAMES:]
        event["where"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _fault(given: object) -> _Fault | None:
    if isinstance(given, BaseException):
        return type(given), given, given.__traceback__
    found = cast("_Fault", given if isinstance(given, tuple) else sys.exc_info())
    return found if given and found[0] else None


def keep_first_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Cut a foreign message: asyncio puts the repr of the failed task into its later lines."""
    event["event"] = str(event["event"]).partition("\n")[0]
    return event


def configure(*, as_json: bool, level: int = logging.INFO) -> None:
    """Set logging up for the whole process: our own lines and those of the standard library."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(shared, as_json=as_json))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(capture=True)
    for chatty in ("apscheduler", "uvicorn.access", "httpx", "httpcore", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _formatter(shared: list[Processor], *, as_json: bool) -> logging.Formatter:
    last: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, keep_first_line],
        processors=[tell_where, drop_unlisted, last],
        use_get_message=False,  # the unfilled template: its arguments may be data
        keep_exc_info=False,
        keep_stack_info=False,
    )


def template_of(scope: Mapping[str, Any]) -> str:
    """Give the route's template: a real path may carry what must not be written down."""
    return str(scope.get("path_template") or "unmatched")


class RequestLog:
    """Writes one line for each request and gives it an id of our own.

    The id is never the caller's: a header is a place to smuggle anything into the log. To be put
    around the whole application, or into its list of middleware (then 404s have no line).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid4().hex[:12]
        scope.setdefault("state", {})["request_id"] = request_id
        began = time.perf_counter()
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # A list of its own: some applications share one between answers.
                given = message.get("headers", [])
                named = any(name == b"x-request-id" for name, _ in given)
                mine = [] if named else [(b"x-request-id", request_id.encode())]
                message["headers"] = [*given, *mine]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, answer)
            finally:
                structlog.get_logger("request").info(
                    "request",
                    method=scope["method"],
                    path=template_of(cast("Mapping[str, Any]", scope)),
                    status=status,
                    ms=round((time.perf_counter() - began) * 1000, 1),
                )
