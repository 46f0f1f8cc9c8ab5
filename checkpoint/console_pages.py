"""The console's shell: a page without data, what keeps it, and what installs it.

It is the same for everybody; whoever stands behind it is known by the device's key.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from litestar import Response, get

from kernel.auth import public
from kernel.i18n import t
from kernel.web import CONTENT_SECURITY_POLICY, Page, page

HERE = Path(__file__).parent / "static" / "console"
SHELL = "/gate/app"
#: Loaded at the start; the camera's reader comes when somebody opens the camera, and is kept then.
MODULES = (
    "main.js",
    "bytes.js",
    "camera.js",
    "decide.js",
    "feedback.js",
    "judge.js",
    "lanes.js",
    "screens.js",
    "store.js",
    "sync.js",
    "view.js",
    "wedge.js",
)
FILES = (
    SHELL,
    "/gate/manifest.json",
    "/static/base.css",
    "/static/favicon.svg",
    "/static/verify-pass.js",
    "/static/console/console.css",
    *(f"/static/console/{name}" for name in MODULES),
)
ROOT = Path(__file__).parent.parent
#: zxing is compiled; nothing else on the page may be.
POLICY = CONTENT_SECURITY_POLICY.replace(
    "script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'"
)


@get(SHELL, guards=[public], include_in_schema=False, opt={"skip_session": True})
async def console_page() -> Page:
    """The installable console; everything on it is made in the browser."""
    made = page("console.html")
    made.headers |= {"content-security-policy": POLICY, "cache-control": "no-cache"}
    return made


@get("/gate/manifest.json", guards=[public], include_in_schema=False, opt={"skip_session": True})
async def manifest() -> Response[bytes]:
    """How a device installs it."""
    said = {
        "name": t("console.title"),
        "short_name": t("console.title"),
        "id": SHELL,
        "start_url": SHELL,
        "scope": "/gate/",
        "display": "fullscreen",
        "orientation": "any",
        "background_color": "#0B0F14",
        "theme_color": "#0B0F14",
        "icons": [{"src": "/static/favicon.svg", "sizes": "any", "type": "image/svg+xml"}],
    }
    body = msgspec.json.encode(said)
    headers = {"cache-control": "no-cache"}
    return Response(body, media_type="application/manifest+json", headers=headers)


@get("/gate/sw.js", guards=[public], include_in_schema=False, opt={"skip_session": True})
async def worker() -> Response[str]:
    """What keeps the console for days without a network; it looks at pages below /gate/ only."""
    text = worker_text()
    return Response(text, media_type="text/javascript", headers={"cache-control": "no-cache"})


@cache
def worker_text() -> str:
    """Named after the content of all that it keeps: a changed file makes another version."""
    files = msgspec.json.encode(FILES).decode()
    head = f'const VERSION = "{_version()}";\nconst FILES = {files};\n'
    return head + (HERE / "worker.js").read_text("utf-8")


def _version() -> str:
    digest = hashlib.sha256()
    shell = (ROOT / "checkpoint/templates/console.html", ROOT / "kernel/templates/macros.html")
    styles = (ROOT / "kernel/static/base.css", ROOT / "registry/static/verify-pass.js")
    for path in (*sorted(HERE.iterdir()), *shell, *styles):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


HANDLERS: list[Any] = [console_page, manifest, worker]
