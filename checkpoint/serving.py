"""What each worker process runs, and the server around it."""

import logging
import os
import signal
import socket
import sys
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess
from threading import Thread
from types import FrameType
from typing import cast

import uvicorn
from litestar import Litestar
from litestar.types import ASGIApp

from checkpoint.app import create_app
from checkpoint.lane import LaneDoor, VenueDoor
from checkpoint.sandbox import Spaces, sandbox_dsn, sandbox_settings
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
    _obey_supervisor(app)
    secure = settings.secure_cookies
    venues = cast("ASGIApp", VenueDoor(app, secure=secure))
    door = cast("ASGIApp", LaneDoor(app, secure=secure, behind=venues))
    door = _with_sandbox(door, settings) if settings.sandbox else door
    return RequestLog(door) if logged else door


def _with_sandbox(city: ASGIApp, settings: Settings) -> ASGIApp:
    """Made here, and given nothing of the city's."""
    dsn = sandbox_dsn(settings.database_url or "")
    app = create_app(sandbox_settings(settings), dsn=dsn, ticking=False, sandbox=True)
    return cast("ASGIApp", Spaces(city, cast("ASGIApp", app), app.lifespan))


def _obey_supervisor(app: Litestar) -> None:
    """A worker ends with its supervisor, killed or not: left behind it would hold the port.

    Until it has started, it ends at once when it is told to. The server looks at signals only
    later, and a worker may wait for the database as long as that is away.
    """
    supervisor = parent_process()
    if supervisor is None:
        return
    later = {each: signal.signal(each, _end_at_once) for each in (signal.SIGINT, signal.SIGTERM)}

    def started() -> None:
        for each, handler in later.items():
            signal.signal(each, handler)

    app.on_startup.append(started)
    Thread(target=_end_with, args=(supervisor,), daemon=True).start()


def _end_with(supervisor: BaseProcess) -> None:
    supervisor.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _end_at_once(_signal: int, _frame: FrameType | None) -> None:
    os._exit(0)


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
