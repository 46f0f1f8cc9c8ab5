"""What each worker process runs, and the server around it."""

import logging
import os
import socket
import sys
from typing import cast

import uvicorn
from litestar.types import ASGIApp

from checkpoint.app import create_app
from checkpoint.lane import LaneDoor
from kernel.logging import RequestLog, configure
from kernel.settings import Settings, read_settings

FACTORY = "checkpoint.serving:application"
#: An open event stream ends only when its reader goes: it is not waited for longer than this.
FAREWELL_SECONDS = 2


def application() -> ASGIApp:
    """Made anew in each worker; the address of the database comes through the environment."""
    logged = _wants_request_log()
    configure(as_json=not sys.stderr.isatty(), level=logging.INFO if logged else logging.WARNING)
    settings = read_settings(os.environ)
    if settings.database_url is None:
        message = "DATABASE_URL is not set"
        raise RuntimeError(message)
    app = create_app(settings, dsn=settings.database_url)
    door = cast("ASGIApp", LaneDoor(app, secure=settings.secure_cookies))
    return RequestLog(door) if logged else door


def _wants_request_log() -> bool:
    """At a terminal the lines would drive the log-ins off the screen."""
    usual = "0" if sys.stderr.isatty() else "1"
    return os.environ.get("CHECKPOINT_REQUEST_LOG", usual) != "0"


def serve(settings: Settings, dsn: str) -> None:
    """Blocks until it is told to stop. Workers that die are replaced."""
    os.environ["DATABASE_URL"] = dsn
    uvicorn.run(
        FACTORY,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=FAREWELL_SECONDS,
    )


def port_is_free(settings: Settings) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            return False
    return True
