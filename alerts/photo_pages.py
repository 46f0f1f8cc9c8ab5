"""A photo beside a movement, shown to whoever may see the movement, and sent by a program."""

from typing import Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from alerts.reaching import movement_reached
from alerts.supervision_photos import due_owning
from alerts.supervision_views import READERS as OVERSEERS
from closedloop.photos import LARGEST_FORM, add_photo, movement_owning, sent_from
from closedloop.reporting import Office, actor_name
from kernel.attachments import opened, owner_of
from kernel.audit import record_access
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Unprocessable
from registry.accounts import known_actor
from registry.coverage import due_row
from registry.model import Role
from registry.scope import own_district

AnyRequest = Request[Any, Any, Any]
READERS = (Role.DUTY, Role.DESK, Role.FIRM, Role.POLICE, Role.TRACER, Role.AUDITOR)
SENDERS = (Role.DUTY, Role.DESK, Role.FIRM, Role.POLICE)


class PhotoSent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`image` is a JPEG, PNG or WebP in base64."""

    id: UUID
    image: bytes


class PhotoKept(Struct, frozen=True, kw_only=True):
    id: UUID
    result: Literal["recorded", "repeated"]


@get("/photos/{photo_id:uuid}", guards=[requires(*{*READERS, *OVERSEERS})])
async def show_photo(
    photo_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[bytes]:
    """The picture alone. Each look leaves its row; to others the photo does not exist."""
    actor = known_actor(request)
    kind, subject = await _reached(tx, office, photo_id, actor)
    await record_access(
        tx,
        actor,
        action="read_photo",
        subject_kind=kind,
        subject=str(subject),
        reason="page",
        now=clock.now(),
    )
    return Response(
        await opened(tx, office.vault, photo_id),
        media_type="image/jpeg",
        headers={"content-disposition": "inline", "cache-control": "no-store"},
    )


async def _reached(
    conn: Connection, office: Office, photo_id: UUID, actor: Actor
) -> tuple[str, int]:
    """What it is a photo of, where that is the actor's to see. Raises NotFound otherwise."""
    owner = await owner_of(conn, photo_id)
    due_id = due_owning(owner)
    may_see = READERS if due_id is None else OVERSEERS
    if not actor.roles & set(may_see):
        raise NotFound("unknown_photo")
    if due_id is not None:
        await due_row(conn, due_id, own_district(actor))
        return "due_place", due_id
    movement_id = movement_owning(owner)
    await movement_reached(conn, office, movement_id, actor)
    if Role.FIRM in actor.roles and actor.place_id is not None:
        await _check_own(conn, movement_id, photo_id, actor.place_id)
    return "movement", movement_id


async def _check_own(conn: Connection, movement_id: int, photo_id: UUID, place_id: int) -> None:
    if photo_id not in await sent_from(conn, movement_id, place_id):
        raise NotFound("unknown_photo")


@post(
    "/movements/{movement_id:int}/photos",
    guards=[requires(*SENDERS)],
    status_code=201,
    request_max_body_size=LARGEST_FORM * 4 // 3,
)
async def send_photo(
    movement_id: FromPath[int],
    data: JSONBody[PhotoSent],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> PhotoKept:
    """A photo beside a movement, in base64; a firm's own trucks only. The same id again is
    `repeated`.
    """
    actor = known_actor(request)
    await movement_reached(tx, office, movement_id, actor)
    if not data.image:
        raise Unprocessable("file_needed")
    fresh = await add_photo(
        tx,
        office.vault,
        movement_id,
        photo_id=data.id,
        sent=data.image,
        by=actor_name(actor),
        now=clock.now(),
    )
    return PhotoKept(id=data.id, result="recorded" if fresh else "repeated")


PAGES: list[Any] = [show_photo]
API: list[Any] = [send_photo]
