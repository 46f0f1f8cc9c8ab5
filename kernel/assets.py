"""Static files: each version has an address of its own, and is kept by whoever has fetched it."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from litestar import Request, Router
from litestar.config.compression import CompressionConfig
from litestar.middleware.base import DefineMiddleware
from litestar.middleware.compression import CompressionMiddleware
from litestar.static_files import create_static_files_router
from litestar.types import Scope

from kernel.auth import public

STATIC = "/static"
#: For files alone: what is secret in a page must not be weighed beside what was sent in.
SQUEEZED = CompressionConfig(backend="gzip", exclude=[r"\.mp3$"])


class Assets:
    """Static files by content: an address with `?v=` names one version for ever."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = [folder.resolve() for folder in folders]
        self.version = cache(self._version)

    def url(self, path: str) -> str:
        version = self.version(path)
        return f"{STATIC}/{path}?v={version}" if version else f"{STATIC}/{path}"

    def _version(self, path: str) -> str | None:
        for folder in self.folders:
            file = (folder / path).resolve()
            if file.is_relative_to(folder) and file.is_file():
                return hashlib.sha256(file.read_bytes()).hexdigest()[:12]
        return None

    def router(self) -> Router:
        return create_static_files_router(
            path=STATIC,
            directories=list(self.folders),
            guards=[public],
            middleware=[DefineMiddleware(CompressionMiddleware, config=SQUEEZED)],
            opt={"skip_session": True, "exclude_from_csrf": True},
            include_in_schema=False,
        )

    def is_current(self, scope: Scope) -> bool:
        version = Request(scope).query_params.get("v")
        path = scope["path"].removeprefix(f"{STATIC}/")
        return version is not None and version == self.version(path)
