"""Whether the service lives, is ready, and what it says of itself to the public."""

from datetime import datetime, timedelta
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE
from msgspec import UNSET, Struct, UnsetType
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from alerts.overdue import HEARTBEAT
from alerts.parts import Part, Report, nothing_known, report
from alerts.queries import last_beat
from kernel.auth import public
from kernel.clock import Clock
from kernel.db import ACQUIRE_SECONDS, Connection
from kernel.errors import Unavailable
from kernel.problems import classify
from kernel.web import Page, page
from registry.sheets import HOTLINE

AnyRequest = Request[Any, Any, Any]
JSON = "application/json"
MOST_OUTAGES = 20

#: The sweep beats every few seconds; twice the promised minute without a beat is a fault.
STALE = timedelta(seconds=120)


class Health(Struct, frozen=True, kw_only=True):
    status: str
    swept_at: datetime | None = None
    parts: list[Part] | UnsetType = UNSET


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


@get("/status", guards=[public], skip_session=True)
async def status(request: AnyRequest, state: State) -> Page | Response[Health]:
    """For the public: a page for people, and for programs `available`, or `late` when missing
    trucks may be noticed late. Raises Unavailable; the page tells so itself. It has no session: a
    log-in must not keep it from telling that the database is away.
    """
    now, people = state.clock.now(), _for_people(request)
    try:
        async with state.pool.acquire(timeout=ACQUIRE_SECONDS) as conn:
            found = await report(conn, now, texts=bool(state.settings.sms))
            swept_at = await last_beat(conn, HEARTBEAT)
    except Exception as error:
        if classify(error).kind != "unavailable":
            raise
        if not people:
            raise Unavailable("database_unavailable") from error
        return _shown(nothing_known(), "away", now)
    said = "available" if found.works else "late"
    if people:
        return _shown(found, said, now)
    late = next(not each.works for each in found.parts if each.name == "noticing")
    health = Health(
        status="late" if late else "available", swept_at=swept_at, parts=list(found.parts)
    )
    return Response(health, headers={"vary": "Accept"})


def _for_people(request: AnyRequest) -> bool:
    """Programs that name no kind of answer go on getting JSON."""
    return request.accept.best_match(["application/json", "text/html"], JSON) == "text/html"


def _shown(found: Report, said: str, now: datetime) -> Page:
    shown = page(
        "status.html",
        http_status=HTTP_503_SERVICE_UNAVAILABLE if said == "away" else HTTP_200_OK,
        said=said,
        parts=found.parts,
        outages=[
            {
                "part": each.part,
                "began": each.began,
                "ended": each.ended,
                "minutes": max(1, round(((each.ended or now) - each.began).total_seconds() / 60)),
            }
            for each in found.outages[:MOST_OUTAGES]
        ],
        hotline=HOTLINE,
        now=now,
    )
    shown.headers["vary"] = "Accept, Accept-Language, Cookie"
    return shown


@get("/metrics", guards=[public], include_in_schema=False)
async def metrics() -> Response[bytes]:
    """Figures of this process for Prometheus; they name nobody."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


HANDLERS: list[Any] = [alive, ready, status, metrics]
