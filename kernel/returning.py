"""The way to the log-in, and back to where somebody was."""

from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response
from litestar.response import Redirect

from kernel.web import url_with

AnyRequest = Request[Any, Any, Any]


def to_log_in(request: AnyRequest) -> Response[Any]:
    """Ask for the log-in, and remember the page.

    A form cannot be sent again for the reader: the page on which it stood is returned to, and the
    log-in says so. What was typed is kept nowhere on the way: nobody has shown yet who typed it.
    """
    if "hx-request" in request.headers:
        return Response(b"", status_code=401, headers={"HX-Redirect": url_with("/login")})
    again = None if request.method == "GET" else "1"
    target = _page_before(request) if again else _page(request)
    return Redirect(url_with("/login", next=target, again=again), status_code=303)


def _page(request: AnyRequest) -> str:
    scope = request.scope
    query = scope["query_string"].decode("latin-1")
    return f"{scope['path']}?{query}" if query else scope["path"]


def _page_before(request: AnyRequest) -> str | None:
    """The page of ours on which the form stood; browsers name it to its own site."""
    came = urlsplit(request.headers.get("referer", ""))
    if not came.path or came.netloc != request.headers.get("host"):
        return None
    return f"{came.path}?{came.query}" if came.query else came.path
