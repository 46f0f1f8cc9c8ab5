"""What cameras saw, on the lane's page; and the officer's word on plates that nobody reported."""

from typing import Any
from uuid import UUID, uuid5

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect, ServerSentEvent
from msgspec import Struct

from checkpoint.camera_lane import seen_at
from checkpoint.intake import Intake, take_one
from checkpoint.scans import Scan
from closedloop.model import Level
from closedloop.watching import place_of, who
from kernel.auth import requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Forbidden, NotFound
from kernel.live import Hub, stream
from kernel.web import Page, page
from registry.camera_reads import Sighting, find_read, settle
from registry.model import PlaceKind, Role
from registry.scope import covers, own_district
from registry.world import WorldCache

AnyRequest = Request[Any, Any, Any]


class StrangerForm(Struct, frozen=True, kw_only=True):
    """`said`: what is to become of which reading, with spaces between: `register` makes a movement
    of it, `dismiss` says that it concerns nobody here; the camera, and the camera's id of it.
    """

    event_id: UUID
    said: str = ""


@get("/gate/reads", guards=[requires(Role.LANE)])
async def lane_reads(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    gate: FromQuery[str] = "",
) -> Page:
    """The list alone, for the lane's page to renew."""
    place = (await cache.now(tx)).place(place_of(who(request)))
    gate = gate if gate in place.gates else ""
    return page("lane_reads.html", reads=await seen_at(tx, place, gate, clock.now()), gate=gate)


@get("/gate/reads/events", guards=[requires(Role.LANE)])
async def lane_read_events(hub: NamedDependency[Hub]) -> ServerSentEvent:
    """A knock whenever a camera has read a plate somewhere; what it was, the list says."""
    return stream(hub, "cameras")


@post("/duty/strangers", guards=[requires(Role.DUTY)], status_code=303)
async def settle_stranger(
    request: AnyRequest,
    data: URLEncodedBody[StrangerForm],
    tx: NamedDependency[Connection],
    intake: NamedDependency[Intake],
    clock: NamedDependency[Clock],
) -> Redirect:
    """A plate that nobody reported becomes a movement because an officer says so, never by itself:
    at a checkpoint one that its desk looks for, at a firm an arrival without entry.
    """
    actor, now = who(request), clock.now()
    act, read = await _meant(tx, data.said)
    place = (await intake.office.cache.now(tx)).place(read.place_id)
    if not covers(own_district(actor), place.district_code):
        raise Forbidden("not_your_place", place_id=place.id)
    movement_id: int | None = None
    if act == "register":
        arrival = place.kind is PlaceKind.DESTINATION
        scan = Scan(
            # One form serves all rows, and each of them is one event for ever.
            id=uuid5(data.event_id, data.said),
            kind="arrival" if arrival else "entry",
            place_id=place.id,
            occurred_at=read.taken_at,
            plate=read.plate,
            gate=read.gate,
            offline=True,
        )
        level = Level.B if arrival else None
        answer = await take_one(tx, intake, scan, actor, level, now, own_time=True)
        if answer.refusal is not None:
            raise answer.refusal
        movement_id = None if answer.outcome is None else answer.outcome.movement_id
    await settle(tx, read, movement_id, actor.id, now)
    done = "settled" if movement_id else "dismissed"
    return Redirect(f"/duty?done=stranger_{done}", status_code=303)


async def _meant(conn: Connection, said: str) -> tuple[str, Sighting]:
    """Raises NotFound("unknown_reading")."""
    act, _, rest = said.replace("\0", "").partition(" ")
    device, _, read_id = rest.partition(" ")
    try:
        read = await find_read(conn, UUID(device), read_id)
    except ValueError:
        read = None
    if read is None or act not in {"register", "dismiss"}:
        raise NotFound("unknown_reading")
    return act, read


HANDLERS: list[Any] = [lane_reads, lane_read_events, settle_stranger]
