"""What a caller is told when something goes wrong: one shape, two languages, nothing internal."""

import logging
import re
import socket
import traceback
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.plugins.jinja import JinjaTemplateEngine

from kernel.errors import Refused
from kernel.i18n import has, other_locale, t, use_locale
from kernel.privacy import without_numbers
from kernel.returning import to_log_in
from kernel.web import locale_of, page_context, request_id

logger = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]
Handler = Callable[[AnyRequest, Exception], Response[Any]]

STATUS_OF = {
    "refused": 400,
    "malformed": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "wrong_method": 405,
    "conflict": 409,
    "too_large": 413,
    "unprocessable": 422,
    "too_many": 429,
    "internal": 500,
    "unavailable": 503,
}
KIND_OF = {status: kind for kind, status in STATUS_OF.items()}

# The database is away or overloaded: the same request may well succeed a moment later.
PASSING_TROUBLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.LockNotAvailableError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    ConnectionError,
    TimeoutError,
    socket.gaierror,
)
# A number, an hour or a sign that the database has no room for, or brackets without end.
UNHOLDABLE = (asyncpg.DataError, RecursionError)
MEMBERS = frozenset({"type", "title", "status", "code", "detail", "detail_other", "errors"})
FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]{0,40}")
BROKEN_FIELD = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<path>.*?)`)?$", re.DOTALL)
NAMED_FIELD = re.compile(r"^Object (?P<how>missing required|contains unknown) field `(?P<name>.*)`")


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """`path` leads to the field; `rule` is the msgid of what is wrong with it."""

    path: str
    rule: str
    expected: str = ""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    code: str
    facts: dict[str, object] = {}
    errors: tuple[FieldError, ...] = ()
    headers: dict[str, str] = {}

    @property
    def status(self) -> int:
        return STATUS_OF[self.kind]


def exception_handlers() -> dict[int | type[Exception], Handler]:
    return {HTTPException: answer, Exception: answer}


def answer(request: AnyRequest, exc: Exception) -> Response[Any]:
    """Turn what was raised into an answer.

    A handler may also return this: a returned answer commits the transaction, a raised one rolls
    it back.
    """
    exc = out_of_group(exc)
    problem = classify(exc)
    if problem.status >= STATUS_OF["internal"]:
        # Put together here: the log never fills in arguments, which may be what was submitted.
        told = f"{problem.code} {request_id(request.scope)}: {describe(exc)}"
        logger.error(told)
    if wants_json(request):
        return _as_json(request, problem)
    if problem.code == "log_in_first":
        return to_log_in(request)
    return _as_page(request, problem)


def out_of_group(exc: Exception) -> Exception:
    """What fails while a request is ended, as when its connection dies, comes in a group."""
    while isinstance(exc, ExceptionGroup):
        exc = cast("ExceptionGroup[Exception]", exc).exceptions[0]
    return exc


def classify(exc: Exception) -> Problem:
    if isinstance(exc, Refused):
        return _refused(exc)
    if isinstance(exc, HTTPException):
        return _by_framework(exc)
    if isinstance(exc, msgspec.MsgspecError):
        wrong = isinstance(exc, msgspec.ValidationError)
        errors = (read_field_error(str(exc)),) if wrong else ()
        return Problem(kind="malformed", code="malformed", errors=errors)
    if isinstance(exc, UNHOLDABLE):
        return Problem(kind="malformed", code="malformed")
    if isinstance(exc, PASSING_TROUBLE) and not _our_mistake(exc):
        return Problem(kind="unavailable", code="try_again", headers={"Retry-After": "1"})
    return Problem(kind="internal", code="internal")


def _our_mistake(exc: Exception) -> bool:
    # asyncpg calls a wrong argument an interface error too; trying again does not mend that.
    return isinstance(exc, asyncpg.InterfaceError) and isinstance(exc, ValueError)


def _refused(exc: Refused) -> Problem:
    wait = exc.facts.get("retry_after")
    if wait is None and exc.kind == "unavailable":
        wait = 1
    headers = {"Retry-After": str(wait)} if isinstance(wait, int) else {}
    facts = {name: _without_personal_data(fact) for name, fact in exc.facts.items()}
    return Problem(kind=exc.kind, code=exc.code, facts=facts, headers=headers)


def _without_personal_data(fact: object) -> object:
    # The last net: a code's facts are chosen by its author, and authors forget.
    return without_numbers(fact) if isinstance(fact, str) else fact


def _by_framework(exc: HTTPException) -> Problem:
    fallback = "malformed" if exc.status_code < STATUS_OF["internal"] else "internal"
    kind = KIND_OF.get(exc.status_code, fallback)
    kept = {name: value for name, value in (exc.headers or {}).items() if name.lower() == "allow"}
    code = {"unauthenticated": "log_in_first", "unavailable": "try_again"}.get(kind, kind)
    errors = _field_errors(exc.extra) if isinstance(exc, ValidationException) else ()
    return Problem(kind=kind, code=code, headers=kept, errors=errors)


def _field_errors(extra: object) -> tuple[FieldError, ...]:
    entries = cast("list[dict[str, object]]", extra) if isinstance(extra, list) else []
    return tuple(
        read_field_error(str(e.get("message", "")), str(e.get("key", ""))) for e in entries
    )


def read_field_error(message: str, path: str = "") -> FieldError:
    """Keep the path and the expectation of a msgspec message; drop every submitted value."""
    parts = BROKEN_FIELD.match(message)
    what, found = (parts["what"], parts["path"]) if parts else ("", None)
    path = _safe_path(path or found or "")
    if named := NAMED_FIELD.match(what):
        rule = "missing" if named["how"].startswith("missing") else "unknown"
        name = named["name"] if FIELD_NAME.fullmatch(named["name"]) else "?"
        return FieldError(path=_joined(path, name), rule=f"field.{rule}")
    if what.startswith("Expected "):
        expected = what.removeprefix("Expected ").split(", got ")[0]
        return FieldError(path=path, rule="field.expected", expected=expected)
    if what.startswith("Invalid enum value"):
        return FieldError(path=path, rule="field.choice")
    return FieldError(path=path, rule="field.invalid")


def _safe_path(path: str) -> str:
    return without_numbers("" if path == "data" else path)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def wants_json(request: AnyRequest) -> bool:
    if request.scope["path"].startswith("/api/"):
        return True
    offered = ["text/html", "application/json", "application/problem+json"]
    return request.accept.best_match(offered, "text/html") != "text/html"


def _sentence(problem: Problem, locale: str) -> str:
    with use_locale(locale):
        known = f"error.{problem.code}"
        return t(known if has(known) else f"error.{problem.kind}", **problem.facts)


def _as_json(request: AnyRequest, problem: Problem) -> Response[bytes]:
    locale = locale_of(request.scope)
    body: dict[str, object] = {
        **{name: fact for name, fact in problem.facts.items() if name not in MEMBERS},
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.code,
        "detail": _sentence(problem, locale),
        "detail_other": _sentence(problem, other_locale(locale)),
    }
    if problem.errors:
        with use_locale(locale):
            body["errors"] = [
                {"path": e.path, "message": t(e.rule, expected=e.expected)} for e in problem.errors
            ]
    if problem.kind == "internal":
        body["request_id"] = request_id(request.scope)
    headers = dict(problem.headers)
    if problem.kind == "unauthenticated":
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        msgspec.json.encode(body, enc_hook=str),
        media_type="application/problem+json",
        status_code=problem.status,
        headers=headers,
    )


def _as_page(request: AnyRequest, problem: Problem) -> Response[Any]:
    locale = locale_of(request.scope)
    detail = _sentence(problem, locale)
    facts = {
        "code": problem.code,
        "status": problem.status,
        "detail": detail,
        "detail_other": _sentence(problem, other_locale(locale)),
        "retry_url": problem.facts.get("begin_at"),
    }
    try:
        with use_locale(locale):
            body, kind = _render(request, facts), "text/html"
    except Exception as failure:  # noqa: BLE001 -- an error page that fails must still speak
        place = describe(failure)
        logger.error("no_problem_page %s: %s", request_id(request.scope), place)  # noqa: TRY400 -- without the message
        body, kind = f"{detail}\n{facts['detail_other']}\n", "text/plain"
    return Response(
        body, media_type=kind, status_code=problem.status, headers=dict(problem.headers)
    )


def _render(request: AnyRequest, facts: dict[str, Any]) -> str:
    engine: JinjaTemplateEngine | None = cast("Any", request.app).template_engine
    if engine is None:
        message = "no template engine"
        raise LookupError(message)
    context = page_context(request) | {"request": request, "csrf_input": ""} | facts
    return engine.get_template("problem.html").render(**context)


def describe(exc: BaseException) -> str:
    """Say where it broke, for the log, without what was submitted.

    Messages are left out: PostgreSQL quotes the offending row, and Python the offending key.
    """
    names: list[str] = []
    cause: BaseException | None = exc
    while cause is not None:
        names.append(_name(cause))
        cause = cause.__cause__ or cause.__context__
    frames = traceback.extract_tb(exc.__traceback__)
    at = f" at {frames[-1].filename}:{frames[-1].lineno} {frames[-1].name}" if frames else ""
    return " < ".join(names) + at + "\n" + "".join(traceback.format_tb(exc.__traceback__))


def _name(exc: BaseException) -> str:
    if isinstance(exc, asyncpg.PostgresError):
        constraint = getattr(exc, "constraint_name", None) or ""
        return f"{type(exc).__name__}({exc.sqlstate} {constraint})".replace(" )", ")")
    return type(exc).__qualname__
