"""Cameras under /api/v1: our own JSON, and what a common vendor's camera pushes by itself."""

from collections.abc import Sequence
from typing import Any, cast

from litestar import Request, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from checkpoint.cameras import ReadResult, take_reads
from checkpoint.hikvision import LARGEST, read_message, reading_of
from closedloop.reporting import Office
from closedloop.watching import who
from kernel.auth import public, requires, token_hash
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Malformed, Unauthenticated
from kernel.i18n import t
from registry.camera_reads import CAMERA

AnyRequest = Request[Any, Any, Any]
#: Two pictures and the message.
MOST_BODY = 8 * 1024 * 1024


class CameraReads(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """1 to 500 readings; items are read one by one, so that a bad one does not spoil the others.
    Each has `id`, `plate`, `confidence` (0 to 1) and `taken_at`; `gate`, `picture` and `offline`
    may be left out.
    """

    reads: list[Any]


class Taken(Struct, frozen=True, kw_only=True):
    """`status`: recorded, repeated, conflict or refused. `outcome`: matched, candidate,
    unregistered, doubtful or double. A refused item has `code` and `detail`.
    """

    id: str | None
    status: str
    outcome: str | None = None
    code: str | None = None
    detail: str | None = None


class TakenReads(Struct, frozen=True, kw_only=True):
    results: list[Taken]


@post("/camera-reads", guards=[requires(CAMERA)], status_code=200, tags=["cameras"])
async def post_reads(
    data: JSONBody[CameraReads],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> TakenReads:
    """Plates that a camera read, with a result for each. Safe to send again under the same ids."""
    return _told(await take_reads(tx, office, who(request), data.reads, clock.now()))


@post(
    "/cameras/{key:str}/hikvision",
    guards=[public],
    status_code=200,
    request_max_body_size=MOST_BODY,
    tags=["cameras"],
)
async def push_hikvision(
    key: FromPath[str],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> TakenReads:
    """For cameras that push by themselves and know no header of ours: `key` is the camera's token,
    which opens nothing else. XML, or multipart with pictures, which are not kept.
    """
    now = clock.now()
    actor = (await office.cache.now(tx)).actor(token_hash(key), now)
    if actor is None or CAMERA not in actor.roles:
        raise Unauthenticated("token_unknown")
    said = reading_of(read_message(await _xml_of(request)))
    items = [] if said is None else [said]
    return _told(await take_reads(tx, office, actor, items, now))


async def _xml_of(request: AnyRequest) -> bytes:
    """The message itself, alone or as a part. Raises Malformed `camera_message_malformed`."""
    if not request.headers.get("content-type", "").startswith("multipart/"):
        return await request.body()
    form = await request.form()
    for name, part in form.multi_items():
        if isinstance(part, UploadFile):
            if part.filename.endswith(".xml") or "xml" in part.content_type:
                return await part.read(LARGEST + 1)
        elif "xml" in name.casefold() or str(part).lstrip().startswith("<"):
            return str(part).encode()
    raise Malformed("camera_message_malformed")


def _told(results: Sequence[ReadResult]) -> TakenReads:
    return TakenReads(results=[_item(each) for each in results])


def _item(result: ReadResult) -> Taken:
    refusal = result.refusal
    return Taken(
        id=result.id,
        status=result.status,
        outcome=result.outcome,
        code=None if refusal is None else refusal.code,
        detail=None if refusal is None else t(f"error.{refusal.code}", **refusal.facts),
    )


HANDLERS = cast("list[Any]", [post_reads, push_hikvision])
