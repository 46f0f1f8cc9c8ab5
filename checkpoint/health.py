"""Whether the service lives, is ready, and what it says of itself to the public."""

from datetime import datetime, timedelta
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from alerts.overdue import HEARTBEAT
from alerts.queries import last_beat
from kernel.auth import public
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Unavailable

#: The sweep beats every few seconds; twice the promised minute without a beat is a fault.
STALE = timedelta(seconds=120)


class Health(Struct, frozen=True, kw_only=True):
    status: str
    swept_at: datetime | None = None


@get("/healthz", guards=[public])
async def alive() -> Health:
    """The process answers."""
    return Health(status="ok")


@get("/readyz", guards=[public])
async def ready(tx: NamedDependency[Connection], clock: NamedDependency[Clock]) -> Health:
    """The database answers and the sweep has run lately; else 503."""
    swept_at = await last_beat(tx, HEARTBEAT)
    if swept_at is None or clock.now() - swept_at > STALE:
        raise Unavailable("sweep_late")
    return Health(status="ok", swept_at=swept_at)


@get("/status", guards=[public])
async def status(tx: NamedDependency[Connection], clock: NamedDependency[Clock]) -> Health:
    """For the public: `available`, or `late` when missing trucks may be noticed late."""
    swept_at = await last_beat(tx, HEARTBEAT)
    late = swept_at is None or clock.now() - swept_at > STALE
    return Health(status="late" if late else "available", swept_at=swept_at)


@get("/metrics", guards=[public], include_in_schema=False)
async def metrics() -> Response[bytes]:
    """Figures of this process for Prometheus; they name nobody."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


HANDLERS: list[Any] = [alive, ready, status, metrics]
