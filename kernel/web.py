"""Pages: their language, their context and their headers."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# Litestar leaves the parameters of its generic classes open.

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode
from uuid import uuid4

from jinja2 import FileSystemLoader
from litestar import Request
from litestar.config.compression import CompressionConfig
from litestar.config.csrf import CSRFConfig
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.exceptions import PermissionDeniedException
from litestar.middleware import ASGIMiddleware, DefineMiddleware
from litestar.middleware.compression import CompressionMiddleware
from litestar.middleware.csrf import CSRFMiddleware
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.response.base import ASGIResponse
from litestar.template.config import TemplateConfig
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from markupsafe import Markup

from kernel.assets import STATIC, Assets
from kernel.auth import account_mark, actor_of, bearer_token
from kernel.drawing import Pages, drawn
from kernel.errors import Forbidden
from kernel.i18n import LOCALES, local_time, negotiate, other_locale, t, use_locale
from kernel.kept_forms import unsent_on
from kernel.store import SessionConfig

THEMES = ("auto", "day", "night")
ONE_YEAR = 365 * 24 * 3600
SESSION_SECONDS = 12 * 3600  # one shift, counted from log-in
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; form-action 'self'"
)


class Page(Template):
    """A template in the reader's language, wherever in the request it is rendered."""

    def create_template_context(self, request: Request[Any, Any, Any]) -> dict[str, Any]:
        context = super().create_template_context(request)
        # Litestar escapes the token and builds the tag itself.
        safe = {"csrf_input": Markup(context["csrf_input"])}  # noqa: S704
        return page_context(request) | context | safe | unsent_on(request, context)

    def to_asgi_response(self, *args: Any, **kwargs: Any) -> ASGIResponse:  # noqa: ANN401 -- as it comes
        request: Request[Any, Any, Any] = kwargs["request"]
        with use_locale(locale_of(request.scope)):
            return super().to_asgi_response(*args, **kwargs)


def page(name: str, /, *, http_status: int = 200, **context: object) -> Page:
    return Page(name, context=context, status_code=http_status)


def page_context(connection: ASGIConnection[Any, Any, Any, Any]) -> dict[str, Any]:
    scope = connection.scope
    locale, actor = locale_of(scope), actor_of(connection)
    return {
        "actor": actor,
        "account": account_mark(actor.id) if actor else None,
        "locale": locale,
        "other_locale": other_locale(locale),
        "other_locale_url": url_with(scope["path"], _query(scope), lang=other_locale(locale)),
        "theme": theme_of(scope),
        "path": scope["path"],
        "request_id": request_id(scope),
    }


def template_config(folders: Iterable[Path], assets: Assets) -> TemplateConfig[JinjaTemplateEngine]:
    """Look templates up in the folders, first found first."""
    environment = Pages(
        loader=FileSystemLoader([str(folder) for folder in folders]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "t": t,
        "asset": assets.url,
        "url_with": url_with,
        "drawn": partial(drawn, environment),
    }
    environment.filters |= {"local_time": local_time, "group4": group4, "t": t}
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))


def group4(digits: object) -> str:
    """Set digits in fours, so that they can be read out: `4102 0000 1234`."""
    text = str(digits)
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def url_with(path: str, query: Mapping[str, object] | None = None, /, **changes: object) -> str:
    """Build a local address; a change to None takes the parameter away."""
    merged = {**(query or {}), **changes}
    kept = {name: value for name, value in merged.items() if value is not None}
    return f"{path}?{urlencode(kept)}" if kept else path


def safe_next(target: str | None) -> str:
    """Give back an address of ours, else `/`: `next` is written by whoever made the link."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return "/"
    return "/" if "\\" in target or not target.isprintable() else target


class Locale(ASGIMiddleware):
    """Speak the caller's language; `?lang=` and `?theme=` choose, and a cookie remembers."""

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        query = _query(scope)
        allowed = {"lang": LOCALES, "theme": THEMES}
        chosen = {name: query[name] for name in allowed if query.get(name) in allowed[name]}

        async def send_remembering(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                for name, value in chosen.items():
                    headers.add("Set-Cookie", _remembered(name, value))
            await send(message)

        with use_locale(locale_of(scope)):
            await next_app(scope, receive, send_remembering)


def _remembered(name: str, value: str) -> str:
    cookie = Cookie(key=name, value=value, max_age=ONE_YEAR, path="/", samesite="lax")
    return cookie.to_header(header="")


def locale_of(scope: Scope) -> str:
    return negotiate(
        query=_query(scope).get("lang"),
        cookie=_cookie(scope, "lang"),
        accept_language=_header(scope, b"accept-language"),
    )


def theme_of(scope: Scope) -> str:
    for theme in (_query(scope).get("theme"), _cookie(scope, "theme")):
        if theme in THEMES:
            return theme
    return "auto"


def request_id(scope: Scope) -> str:
    """Name this request in logs and on error pages."""
    state: dict[str, Any] = scope["state"]
    return state.setdefault("request_id", uuid4().hex[:12])


def _query(scope: Scope) -> dict[str, str]:
    if not scope["query_string"]:
        return {}
    parsed = parse_qs(scope["query_string"].decode("latin-1"))
    return {name: values[-1] for name, values in parsed.items()}


def _header(scope: Scope, name: bytes) -> str | None:
    found = next((value for key, value in scope["headers"] if key == name), None)
    return found.decode("latin-1") if found is not None else None


def _cookie(scope: Scope, name: str) -> str | None:
    if _header(scope, b"cookie") is None:
        return None
    return ASGIConnection[Any, Any, Any, Any](scope).cookies.get(name)


class Csrf(ASGIMiddleware):
    """Litestar's check of form tokens, for those whom a cookie could betray.

    A bearer token is never sent by a browser on its own, and an API call without a session has
    nothing to misuse; both pass. Forms are checked even before log-in.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, config: CSRFConfig, session_cookie: str) -> None:
        self.config = config
        self.session_cookie = session_cookie

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if bearer_token(scope) is not None or self._is_api_call_without_session(scope):
            await next_app(scope, receive, send)
            return
        try:
            await CSRFMiddleware(next_app, self.config)(scope, receive, send)
        except PermissionDeniedException as refusal:
            raise Forbidden("form_expired") from refusal

    def _is_api_call_without_session(self, scope: Scope) -> bool:
        return scope["path"].startswith("/api/") and _cookie(scope, self.session_cookie) is None


def csrf(secret: str, *, secure: bool) -> Csrf:
    """Build the check. `secret` outlives restarts: forms opened before one must still be valid."""
    name = _cookie_name("csrftoken", secure=secure)
    config = CSRFConfig(secret=secret, cookie_name=name, cookie_secure=secure)
    return Csrf(config, _cookie_name("session", secure=secure))


def session_config(*, secure: bool, seconds: int = SESSION_SECONDS) -> SessionConfig:
    return SessionConfig(
        key=_cookie_name("session", secure=secure),
        max_age=seconds,
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def _cookie_name(name: str, *, secure: bool) -> str:
    # A __Host- cookie cannot be planted by a neighbouring subdomain.
    return f"__Host-{name}" if secure else name


def fixed_headers(*, secure: bool) -> dict[str, str]:
    """The security headers that are the same on every answer."""
    fixed = {
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
    }
    return fixed | ({"strict-transport-security": f"max-age={ONE_YEAR}"} if secure else {})


class Headers:
    """The security headers of every answer; goes into `before_send`.

    A hook and not a middleware, because an unknown path and a refused form never pass through
    the middleware. What a handler has set itself, it keeps.
    """

    def __init__(self, assets: Assets, *, secure: bool) -> None:
        self.assets = assets
        self.fixed = fixed_headers(secure=secure)

    async def __call__(self, message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        headers = MutableScopeHeaders.from_message(message)
        for name, value in self.fixed.items():
            headers.setdefault(name, value)
        headers.setdefault("cache-control", self._cache_control(message["status"], scope))
        headers.setdefault("x-request-id", request_id(scope))

    def _cache_control(self, status: int, scope: Scope) -> str:
        if not scope["path"].startswith(f"{STATIC}/") or status >= 400:
            return "no-store"
        if self.assets.is_current(scope):
            return f"public, max-age={ONE_YEAR}, immutable"
        return "no-cache"


#: For long lists that are fetched again and again. Nothing that a request says is repeated in them,
#: so that their length tells nobody the token; other pages are left as they are.
COMPRESSED = (
    DefineMiddleware(
        CompressionMiddleware, config=CompressionConfig(backend="gzip", gzip_compress_level=2)
    ),
)
