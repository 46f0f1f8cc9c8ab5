"""Transport passes: issued and revoked by registrars, looked up by whoever stands at a truck."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused
from kernel.i18n import current_locale, t
from kernel.ids import uuid7
from kernel.settings import Settings
from kernel.web import Page, page
from registry.accounts import home_of, known_actor
from registry.framing import REGISTRARS, framing
from registry.places import regions
from registry.poster_api import reading
from registry.printing import pdf_headers, printed, transport_pdf
from registry.rules import RuleSet
from registry.scope import covers, own_district
from registry.transport import REVOCATIONS, Asked, issue, issued_kind, note_print, revoke
from registry.transport_queries import LOOKERS, TransportPass, find, grouped, listed, shown
from registry.transport_sheet import TransportSheet
from registry.wording import error, labelled, navigation
from registry.world import WorldCache

AnyRequest = Request[Any, Any, Any]
PATH = "/reg/transport"
MOST_DIGITS = 4
_FIELDS = {
    "plate_malformed": "plate",
    "transport_pass_stands": "plate",
    "goods_not_first": "goods",
    "days_out_of_range": "days",
    "region_unknown": "region",
    "serials_used_up": "region",
}


class IssueForm(Struct, frozen=True, kw_only=True):
    event_id: UUID | None = None
    region: str = ""
    plate: str = ""
    goods: str = ""
    carrier: str = ""
    days: str = ""


class RevokeForm(Struct, frozen=True, kw_only=True):
    reason: str = ""


@get(PATH, guards=[requires(*REGISTRARS)])
async def transport_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    cache: NamedDependency[WorldCache],
    clock: NamedDependency[Clock],
    q: FromQuery[str] = "",
) -> Page:
    """The last passes, or those of a plate or number, and the form for another one."""
    rules = (await cache.now(tx)).rules_at(clock.now())
    return await _show(tx, rules, known_actor(request), clock.now(), said=q)


@post(PATH, guards=[requires(*REGISTRARS)], status_code=200)
async def issue_form(
    request: AnyRequest,
    data: URLEncodedBody[IssueForm],
    tx: NamedDependency[Connection],
    cache: NamedDependency[WorldCache],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Issue a pass; a form sent twice is one pass."""
    actor, now = known_actor(request), clock.now()
    rules = (await cache.now(tx)).rules_at(now)
    days = data.days.strip()
    asked = Asked(
        id=data.event_id or uuid7(now),
        region=data.region.strip(),
        plate=data.plate,
        goods=data.goods,
        carrier=data.carrier,
        days=int(days) if days.isascii() and days.isdecimal() and len(days) <= MOST_DIGITS else 0,
    )
    try:
        made = await issue(tx, rules, asked, actor, now)
    except Refused as refused:
        told = error(_FIELDS.get(refused.code, ""), refused)
        return await _show(tx, rules, actor, now, form=data, told=told)
    return Redirect(f"/transport/{made.number}?done=issued", status_code=303)


async def _show(
    conn: Connection,
    rules: RuleSet,
    actor: Actor,
    now: datetime,
    *,
    said: str = "",
    form: IssueForm | None = None,
    told: dict[str, str] | None = None,
) -> Page:
    own, locale = own_district(actor), current_locale()
    priority, goods = rules.priority, [g for g in rules.goods if _first(rules, g.code)]
    typed = form or IssueForm(days="1")
    fields = [name for name in IssueForm.__struct_fields__ if name != "event_id"]
    return page(
        "transport.html",
        http_status=422 if told else 200,
        passes=[
            shown(each, rules, locale, now) for each in await listed(conn, said=said, district=own)
        ],
        issues=priority is not None and rules.kind(priority.issued) is not None,
        most_days=priority.most_days if priority is not None else 0,
        goods=labelled(goods, "label"),
        regions=[
            {"value": code, "label": name}
            for code, name in await regions(conn)
            if covers(own, code)
        ],
        event_id=str(typed.event_id or uuid7(now)),
        values={"q": said} | {name: getattr(typed, name) for name in fields},
        errors=[told] if told else [],
        **framing(actor, PATH),
    )


def _first(rules: RuleSet, goods: str) -> bool:
    return rules.priority is not None and goods in rules.priority.goods


@get("/transport/{transport_no:str}", guards=[requires(*LOOKERS)])
async def one_page(
    transport_no: FromPath[str],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    cache: NamedDependency[WorldCache],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """Whether a pass is good, and for which truck: its code on the paper leads here."""
    rules = (await cache.now(tx)).rules_at(clock.now())
    notice = t(f"ui.transport.done.{done}") if done in {"issued", "revoked"} else None
    return await _one(tx, rules, transport_no, known_actor(request), clock.now(), notice=notice)


async def _one(
    conn: Connection,
    rules: RuleSet,
    number: str,
    actor: Actor,
    now: datetime,
    *,
    notice: str | None = None,
    told: dict[str, str] | None = None,
) -> Page:
    found = await find(conn, number)
    return page(
        "transport_pass.html",
        http_status=422 if told else 200,
        one=shown(found, rules, current_locale(), now),
        may_act=_may_act(actor, found),
        reasons=[{"value": each, "label": t(f"ui.transport.why.{each}")} for each in REVOCATIONS],
        notice=notice,
        errors=[told] if told else [],
        values={},
        home_url=home_of(actor),
        nav=navigation(actor),
        path=f"/transport/{found.number}",
    )


def _may_act(actor: Actor, one: TransportPass) -> bool:
    return bool(actor.roles & set(REGISTRARS)) and covers(own_district(actor), one.number[:6])


@post("/reg/transport/{transport_no:str}/revoke", guards=[requires(*REGISTRARS)], status_code=200)
async def revoke_form(
    transport_no: FromPath[str],
    request: AnyRequest,
    data: URLEncodedBody[RevokeForm],
    tx: NamedDependency[Connection],
    cache: NamedDependency[WorldCache],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """It opens nothing from now on."""
    actor, now = known_actor(request), clock.now()
    rules = (await cache.now(tx)).rules_at(now)
    try:
        await revoke(tx, rules, transport_no, data.reason, actor, now)
    except NotFound:
        raise
    except Refused as refused:
        return await _one(tx, rules, transport_no, actor, now, told=error("reason", refused))
    return Redirect(f"/transport/{transport_no}?done=revoked", status_code=303)


@get("/reg/transport/{transport_no:str}/pass.pdf", guards=[requires(*REGISTRARS)])
async def print_pass(
    transport_no: FromPath[str],
    request: AnyRequest,
    state: State,
    cache: NamedDependency[WorldCache],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Response[bytes]:
    """On A4, the first time and again; each printing is on record."""
    actor, now = known_actor(request), clock.now()
    async with reading(state) as conn:
        rules = (await cache.now(conn)).rules_at(now)
        found = await find(conn, transport_no)
        if not _may_act(actor, found):
            raise NotFound("unknown_transport_pass")
        await note_print(conn, actor, found.number, now)
        sheet = _sheet(found, rules, settings.public_url, now)
    made = await printed(transport_pdf, sheet)
    return Response(
        made, media_type="application/pdf", headers=pdf_headers(f"transport-{found.number}")
    )


def _sheet(one: TransportPass, rules: RuleSet, public_url: str, now: datetime) -> TransportSheet:
    zh, en = (shown(one, rules, locale, now) for locale in ("zh", "en"))
    _, kind = issued_kind(rules)
    return TransportSheet(
        title=kind.label.zh,
        title_en=kind.label.en,
        number=grouped(one.number),
        plate=one.plate,
        goods=zh["goods"],
        goods_en=en["goods"],
        carrier=one.carrier,
        valid_from=one.issued_at,
        valid_until=one.valid_until,
        url=f"{public_url.rstrip('/')}/transport/{one.number}",
    )


HANDLERS: list[Any] = [transport_page, issue_form, one_page, revoke_form, print_pass]
