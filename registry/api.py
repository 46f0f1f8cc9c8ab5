"""The record's part of the JSON API; the root hangs it under /api/v1."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, PathParameter, QueryParameter
from msgspec import Struct

from kernel.auth import public, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.privacy import Vault
from kernel.settings import Settings
from registry.accounts import known_actor
from registry.applications import Reviewed, apply, review
from registry.imports import ImportReport, import_evidence
from registry.model import PlaceKind, Role
from registry.particulars import Application
from registry.places import Listing, check_sees_poster, directory, poster_of, rotate_code
from registry.posters import place_url
from registry.rules import RuleSet
from registry.world import WorldCache

#: A hundred thousand rows with room to spare.
LARGEST_FILE = 32 * 1024 * 1024
SVG = "image/svg+xml"

AnyRequest = Request[Any, Any, Any]
PlaceId = Annotated[int, PathParameter(description="The place's number.", ge=1, le=2**63 - 1)]


class Applied(Struct, frozen=True, kw_only=True):
    id: UUID
    state: str


class Decision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    decision: str
    reason: str | None = None


class Directory(Struct, frozen=True, kw_only=True):
    places: list[Listing]


class Rotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    gate: str


class Rotated(Struct, frozen=True, kw_only=True):
    gate: str
    code: str
    url: str


@post("/places/applications", guards=[public], tags=["places"])
async def apply_for_codes(
    data: JSONBody[Application],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Applied:
    """Apply for dedicated place codes: one for each gate named.

    Answers 409 `duplicate_place` when the place has codes already or is waiting for review.
    """
    return Applied(id=await apply(tx, vault, data, clock.now()), state="pending")


@post(
    "/places/applications/{application_id:uuid}/review",
    guards=[requires(Role.REGISTRAR)],
    status_code=200,
    tags=["places"],
)
async def review_application(
    request: AnyRequest,
    application_id: FromPath[UUID],
    data: JSONBody[Decision],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Reviewed:
    """Approve or reject an application. A rejection needs its reason.

    Approval creates the place, its gates and one active code for each gate.
    """
    actor = known_actor(request)
    return await review(tx, application_id, data.decision, data.reason, actor, clock.now())


@get("/places", guards=[public], tags=["places"])
async def list_places(
    tx: NamedDependency[Connection], kind: FromQuery[PlaceKind | None] = None
) -> Directory:
    """The public directory of active places, of one kind or of all. It holds no contacts."""
    return Directory(places=await directory(tx, kind))


@get(
    "/places/{place_id:int}/poster.svg",
    guards=[requires(Role.REGISTRAR, Role.FIRM, Role.LANE)],
    media_type=SVG,
    tags=["places"],
)
async def poster(
    request: AnyRequest,
    place_id: PlaceId,
    tx: NamedDependency[Connection],
    settings: NamedDependency[Settings],
    gate: Annotated[str | None, QueryParameter(description="A gate; else the first.")] = None,
) -> Response[str]:
    """The poster of one gate, A4. Looking at it never changes the code."""
    check_sees_poster(known_actor(request), place_id)
    drawn = await poster_of(tx, place_id, gate, public_url=settings.public_url)
    return Response(drawn, media_type=SVG)


@post(
    "/places/{place_id:int}/codes/rotate",
    guards=[requires(Role.REGISTRAR)],
    status_code=200,
    tags=["places"],
)
async def rotate(
    place_id: PlaceId,
    data: JSONBody[Rotation],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Rotated:
    """Replace the code of one gate. The old poster stops working at once."""
    code = await rotate_code(tx, place_id, data.gate, clock.now())
    return Rotated(gate=data.gate, code=code, url=place_url(settings.public_url, code))


@post(
    "/evidence/{kind:str}",
    guards=[requires(Role.REGISTRAR)],
    status_code=200,
    request_max_body_size=LARGEST_FILE,
    media_type=MediaType.JSON,
    tags=["evidence"],
)
async def import_file(
    request: AnyRequest,
    kind: FromPath[str],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    source: FromQuery[str] = "",
    as_of: FromQuery[datetime | None] = None,
    dry_run: FromQuery[bool] = False,  # noqa: FBT002 - a query parameter
) -> ImportReport:
    """Import evidence of one kind, as JSON lines or CSV by content type; a result for each row.

    `source` names who vouches for the file, `as_of` the hour up to which it is complete. With
    `dry_run` nothing is kept and the answer is the same.
    """
    now = clock.now()
    world = await cache.now(tx)
    return await import_evidence(
        tx,
        vault,
        world.rules_at(now),
        kind,
        await request.body(),
        request.headers.get("content-type", ""),
        source=source,
        as_of=as_of,
        dry_run=dry_run,
        actor=known_actor(request),
        now=now,
    )


@get("/rules", guards=[public], tags=["rules"])
async def current_rules(
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> RuleSet:
    """The rule set in force: evidence, questions, rules, reasons and limits. Policy is public."""
    return (await cache.now(tx)).rules_at(clock.now())


HANDLERS = [
    apply_for_codes,
    review_application,
    list_places,
    poster,
    rotate,
    import_file,
    current_rules,
]
