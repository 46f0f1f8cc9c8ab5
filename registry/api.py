"""The record's part of the JSON API; the root hangs it under /api/v1."""

from datetime import datetime
from typing import Annotated, Any

from litestar import MediaType, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, PathParameter
from msgspec import Struct

import registry.coverage_api
import registry.places_api
import registry.poster_api
import registry.transport_api
from kernel.auth import Actor, public, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Forbidden
from kernel.privacy import Vault
from kernel.settings import Settings
from registry.accounts import known_actor
from registry.codes import CodeAct, Turn, act_on_codes
from registry.imports import ImportReport, import_evidence
from registry.model import PlaceKind, Role
from registry.places import Listing, directory
from registry.posters import place_url
from registry.rules import RuleSet
from registry.signing_keys import PublishedKey, ensure_signer, published
from registry.world import WorldCache

#: A hundred thousand rows with room to spare.
LARGEST_FILE = 32 * 1024 * 1024

AnyRequest = Request[Any, Any, Any]
PlaceId = Annotated[int, PathParameter(description="The place's number.", ge=1, le=2**63 - 1)]


class Directory(Struct, frozen=True, kw_only=True):
    places: list[Listing]


class Rotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    gate: str
    reason: str = ""


class Rotated(Struct, frozen=True, kw_only=True):
    gate: str
    code: str
    url: str


@get("/places", guards=[public], tags=["places"])
async def list_places(
    tx: NamedDependency[Connection], kind: FromQuery[PlaceKind | None] = None
) -> Directory:
    """The public directory of active places, of one kind or of all. It holds no contacts."""
    return Directory(places=await directory(tx, kind))


@post(
    "/places/{place_id:int}/codes/rotate",
    guards=[requires(Role.REGISTRAR)],
    status_code=200,
    tags=["places"],
)
async def rotate(
    request: AnyRequest,
    place_id: PlaceId,
    data: JSONBody[Rotation],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Rotated:
    """Replace the code of one gate. The old poster stops working at once. `reason` is needed."""
    said = CodeAct(act=Turn.ROTATE, gate=data.gate, reason=data.reason)
    actor, now = known_actor(request), clock.now()
    done = await act_on_codes(tx, place_id, said, actor, now, district=actor.district)
    code = done.code or ""
    return Rotated(gate=data.gate, code=code, url=place_url(settings.public_url, code))


@post(
    "/evidence/{kind:str}",
    guards=[requires(Role.REGISTRAR, Role.SOURCE)],
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
    `dry_run` nothing is kept and the answer is the same. A program that pushes speaks for the
    source it is named after, and for no other.
    """
    now, actor = clock.now(), known_actor(request)
    source = _own_source(actor, source)
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
        actor=actor,
        now=now,
    )


def _own_source(actor: Actor, said: str) -> str:
    """Raises Forbidden `source_not_yours`."""
    if Role.REGISTRAR in actor.roles:
        return said
    if said.strip() not in {"", actor.name}:
        raise Forbidden("source_not_yours", source=actor.name)
    return actor.name


@get("/rules", guards=[public], tags=["rules"])
async def current_rules(
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> RuleSet:
    """The rule set in force: evidence, questions, rules, reasons and limits. Policy is public."""
    return (await cache.now(tx)).rules_at(clock.now())


class PassKeys(Struct, frozen=True, kw_only=True):
    keys: list[PublishedKey]


@get("/passes/keys", guards=[public], tags=["passes"])
async def pass_keys(
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> PassKeys:
    """The public keys with which a gate checks offline passes, the newest first, as JSON Web Keys.

    `signs_from` may lie ahead: fetch the list daily, and a new key is there before its first pass.
    A key that is missing from the list is withdrawn, and its passes with it.
    """
    keys, now = (await cache.now(tx)).signing_keys, clock.now()
    if not keys:
        keys = (await ensure_signer(tx, vault, keys, now),)
    return PassKeys(keys=[published(key) for key in keys])


HANDLERS = [
    pass_keys,
    *registry.places_api.HANDLERS,
    *registry.coverage_api.HANDLERS,
    list_places,
    rotate,
    import_file,
    current_rules,
    *registry.poster_api.HANDLERS,
    *registry.transport_api.HANDLERS,
]
