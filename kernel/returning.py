"""The way to the log-in, and back to where somebody was."""

from typing import Any

from litestar import Request, Response
from litestar.response import Redirect

from kernel.kept_forms import held_form, page_before
from kernel.web import url_with

AnyRequest = Request[Any, Any, Any]


def to_log_in(request: AnyRequest) -> Response[Any]:
    """Ask for the log-in, and remember the page.

    A form is not sent for the reader: the page on which it stood is returned to, and the log-in
    says so. Whether what was typed is there again depends on whether the session still says whose
    it is (`kernel/kept_forms.py`).
    """
    if "hx-request" in request.headers:
        return Response(b"", status_code=401, headers={"HX-Redirect": url_with("/login")})
    again = None if request.method == "GET" else "kept" if held_form(request) else "1"
    target = page_before(request) if again else _page(request)
    return Redirect(url_with("/login", next=target, again=again), status_code=303)


def _page(request: AnyRequest) -> str:
    scope = request.scope
    query = scope["query_string"].decode("latin-1")
    return f"{scope['path']}?{query}" if query else scope["path"]
