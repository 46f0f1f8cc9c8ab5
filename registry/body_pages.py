"""Receiving bodies, as registrars keep them."""

from datetime import datetime
from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect

from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import t
from kernel.privacy import Vault
from kernel.web import Page, page
from registry.accounts import known_actor
from registry.bodies import NewBody, bodies, check_body, register_body
from registry.framing import REGISTRARS, framing
from registry.places import districts
from registry.scope import covers, own_district
from registry.wording import error, errors_of

AnyRequest = Request[Any, Any, Any]
PATH = "/reg/bodies"
_FIELDS = {"district_unknown": "district", "duplicate_place": "name"}


@get(PATH, guards=[requires(*REGISTRARS)])
async def bodies_page(
    request: AnyRequest, tx: NamedDependency[Connection], done: FromQuery[str] = ""
) -> Page:
    """Who takes over somebody who is held, and the form for another one."""
    notice = t("ui.bodies.done") if done else None
    return await _show(tx, known_actor(request), notice=notice)


@post(PATH, guards=[requires(*REGISTRARS)], status_code=200)
async def new_body(
    request: AnyRequest,
    data: URLEncodedBody[NewBody],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Register a receiving body."""
    actor = known_actor(request)
    checked, faults = check_body(data)
    told = errors_of(faults) or await _registered(tx, vault, checked, actor, clock.now())
    if told:
        return await _show(tx, actor, said=data, told=told)
    return Redirect(f"{PATH}?done=1", status_code=303)


async def _registered(
    conn: Connection, vault: Vault, checked: NewBody, actor: Actor, now: datetime
) -> list[dict[str, str]]:
    """What stood against it."""
    try:
        await register_body(conn, vault, checked, actor, now)
    except Refused as refused:
        return [error(_FIELDS.get(refused.code, ""), refused)]
    return []


async def _show(
    conn: Connection,
    actor: Actor,
    *,
    notice: str | None = None,
    said: NewBody | None = None,
    told: list[dict[str, str]] | None = None,
) -> Page:
    own = own_district(actor)
    offered = [each for each in await districts(conn) if covers(own, each[0])]
    typed = said or NewBody()
    return page(
        "bodies.html",
        http_status=422 if told else 200,
        bodies=await bodies(conn, district=own),
        districts=[{"value": code, "label": name} for code, name in offered],
        notice=notice,
        values={name: getattr(typed, name) for name in NewBody.__struct_fields__},
        errors=told or [],
        **framing(actor, PATH),
    )


HANDLERS: list[Any] = [bodies_page, new_body]
