"""Photos beside a movement: the load that does not agree, the ticket that proves an arrival.

Who may see a movement may see its photos; each look has its audit row.
"""

from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid5

from litestar import Request
from litestar.datastructures import UploadFile
from msgspec import Struct, ValidationError, convert

from closedloop.reporting import actor_name
from kernel.attachments import Attachment, attach, attachments_of
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Malformed, NotFound
from kernel.i18n import t
from kernel.photos import LARGEST_FILE
from kernel.privacy import Vault

Said = TypeVar("Said")
#: A photo and what is typed beside it.
LARGEST_FORM = LARGEST_FILE + 64 * 1024
_OWNER = "movement:"


def owner_named(movement_id: int) -> str:
    return f"{_OWNER}{movement_id}"


def movement_owning(owner: str) -> int:
    """Raises NotFound `unknown_photo` for what belongs to something else."""
    if not owner.startswith(_OWNER):
        raise NotFound("unknown_photo")
    return int(owner.removeprefix(_OWNER))


async def add_photo(
    conn: Connection,
    vault: Vault,
    movement_id: int,
    *,
    photo_id: UUID,
    sent: bytes,
    by: str,
    now: datetime,
) -> bool:
    """Whether it is new; without a photo nothing is. Raises what `attach` raises."""
    return bool(sent) and await attach(
        conn,
        vault,
        attachment_id=photo_id,
        owner=owner_named(movement_id),
        sent=sent,
        by=by,
        now=now,
    )


async def sent_from(conn: Connection, movement_id: int, place_id: int) -> set[UUID]:
    """The photos that somebody of this place sent: a firm sees its own, and not what a driver or an
    officer added to an enquiry.
    """
    rows = await conn.fetch(
        """
        SELECT a.id FROM kernel.attachment a
         WHERE a.owner = $1 AND a.kept_by IN (
               SELECT 'account:' || id FROM registry.account WHERE place_id = $2
               UNION ALL SELECT 'device:' || id FROM registry.device WHERE place_id = $2)
        """,
        owner_named(movement_id),
        place_id,
    )
    return {row["id"] for row in rows}


async def photos_shown(
    conn: Connection, movement_id: int, place_id: int | None = None
) -> list[dict[str, Any]]:
    """For `photos.html`; with a place, those that were sent from there."""
    kept = await attachments_of(conn, owner_named(movement_id))
    if place_id is not None:
        own = await sent_from(conn, movement_id, place_id)
        kept = [each for each in kept if each.id in own]
    return [shown(each) for each in kept]


def shown(photo: Attachment) -> dict[str, Any]:
    """As `photos.html` shows it."""
    return {
        "url": f"/photos/{photo.id}",
        "at": photo.kept_at,
        "by": t(f"how.{photo.kept_by.partition(':')[0]}"),
    }


class Form(Struct, frozen=True, kw_only=True):
    """What a form with a photo said, and the photo: empty where none was chosen."""

    said: dict[str, str]
    photo: bytes

    def read_as(self, kind: type[Said]) -> Said:
        """Raises Malformed `event_id_malformed`: every other field is a text."""
        try:
            return convert(self.said, kind, strict=False)
        except ValidationError as error:
            raise Malformed("event_id_malformed") from error


async def form_of(request: Request[Any, Any, Any]) -> Form:
    """With a file or, as a browser sends it again after a log-in, without."""
    form = await request.form()
    said = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    return Form(said=said, photo=await photo_of(request))


async def photo_of(request: Request[Any, Any, Any]) -> bytes:
    """The photo of a form; empty where none was chosen."""
    photo = (await request.form()).get("photo")
    return await photo.read() if isinstance(photo, UploadFile) else b""


def photo_id_of(event_id: UUID) -> UUID:
    """A photo that came with an event is one as the event is."""
    return uuid5(event_id, "photo")


async def add_beside(
    conn: Connection,
    vault: Vault,
    movement_id: int,
    event_id: UUID,
    sent: bytes,
    actor: Actor | None,
    now: datetime,
) -> None:
    """The photo of a form beside what the form said; nothing where none was chosen. Raises what
    `add_photo` raises.
    """
    await add_photo(
        conn,
        vault,
        movement_id,
        photo_id=photo_id_of(event_id),
        sent=sent,
        by=actor_name(actor),
        now=now,
    )
