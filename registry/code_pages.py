"""Pages of a place: its codes, its test scans, and what may be done to them, each warned of."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused, Unprocessable
from kernel.i18n import LOCAL_ZONE, current_locale, other_locale
from kernel.privacy import Vault
from kernel.settings import Settings
from kernel.web import Page, page, url_with
from registry.accounts import known_actor
from registry.codes import OF_A_GATE, CodeAct, Turn, act_on_codes
from registry.contacts import reveal_contact
from registry.framing import INSPECTING, REGISTRARS, framing
from registry.inspections import trials_of
from registry.marks import Mark, Marks, shown
from registry.model import Role
from registry.places import Contact, Detail, GateCode, codes_of, find_place, read_contact
from registry.posters import place_url, qr_svg
from registry.wording import error

AnyRequest = Request[Any, Any, Any]


class ActForm(Struct, frozen=True, kw_only=True):
    act: str = ""
    gate: str = ""
    reason: str = ""
    until: str = ""


class RevealForm(Struct, frozen=True, kw_only=True):
    reason: str = ""


@get("/reg/places/{place_id:int}", guards=[requires(*REGISTRARS, *INSPECTING)])
async def place_page(
    request: AnyRequest,
    place_id: FromPath[int],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    marks: NamedDependency[Marks],
) -> Page:
    """A place with the code of each gate. Looking at it changes nothing."""
    actor, now = known_actor(request), clock.now()
    place = await find_place(tx, place_id, actor.district)
    contact = Contact(name="", phone="")
    if actor.roles & set(REGISTRARS):
        contact = await read_contact(tx, vault, place_id, actor=actor, reason="place page", now=now)
    marked: list[Mark] = []
    if actor.roles & set(REGISTRARS):
        marked = await marks.of(tx, place_id, now)
    return await _place(tx, place, actor, now, settings.public_url, contact, marked=marked)


@post("/reg/places/{place_id:int}/contact", guards=[requires(*REGISTRARS)], status_code=200)
async def place_contact(
    request: AnyRequest,
    place_id: FromPath[int],
    data: URLEncodedBody[RevealForm],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page:
    """The contact of a place, whole; who looked and what for is on record."""
    actor, now = known_actor(request), clock.now()
    place = await find_place(tx, place_id, actor.district)
    try:
        whole = await reveal_contact(
            tx, vault, "place", str(place_id), reason=data.reason, actor=actor, now=now
        )
    except Refused as refused:
        masked = await read_contact(tx, vault, place_id, actor=actor, reason="place page", now=now)
        return await _place(tx, place, actor, now, settings.public_url, masked, refused=refused)
    shown = Contact(name=whole.name, phone=whole.phone)
    return await _place(tx, place, actor, now, settings.public_url, shown, whole=True)


async def _place(
    tx: Connection,
    place: Detail,
    actor: Actor,
    now: datetime,
    public_url: str,
    contact: Contact,
    *,
    whole: bool = False,
    refused: Refused | None = None,
    marked: Sequence[Mark] = (),
) -> Page:
    codes = {code.gate: code for code in await codes_of(tx, place.id, now)}
    return page(
        "place.html",
        http_status=422 if refused else 200,
        errors=[error("contact_reason", refused)] if refused else [],
        place=place,
        contact=contact,
        whole=whole,
        may_review=bool(actor.roles & set(REGISTRARS)),
        may_act=Role.REGISTRAR in actor.roles,
        gates=[_gate(place.id, gate, codes.get(gate), public_url) for gate in place.gates],
        tests=await trials_of(tx, place.id),
        marks=[shown(each, whole=False) for each in marked],
        **framing(actor, f"/reg/places/{place.id}"),
    )


def _gate(place_id: int, gate: str, code: GateCode | None, public_url: str) -> dict[str, object]:
    turns = {
        turn: url_with(f"/reg/places/{place_id}/act", what=turn.value, gate=gate)
        for turn in OF_A_GATE
    }
    links: dict[str, object] = {
        "rotate_url": turns[Turn.ROTATE],
        "revoke_url": turns[Turn.REVOKE_CODE],
    }
    if code is None:
        return {"gate": gate, "url": None} | links
    url = place_url(public_url, code.code)
    return links | {
        "gate": gate,
        "url": url,
        "qr_svg": qr_svg(url),
        "poster_url": url_with(f"/api/v1/places/{place_id}/poster.svg", gate=gate),
        "pdf_urls": {
            size: url_with(f"/api/v1/places/{place_id}/poster.pdf", gate=gate, size=size)
            for size in ("a4", "a3")
        },
        "test_url": f"/t/{code.code}",
        "issued_at": code.issued_at,
        "scans_7d": code.scans_7d,
    }


@get("/reg/places/{place_id:int}/act", guards=[requires(Role.REGISTRAR)])
async def act_page(
    request: AnyRequest,
    place_id: FromPath[int],
    tx: NamedDependency[Connection],
    what: FromQuery[Turn | None] = None,
    gate: FromQuery[str] = "",
) -> Page | Redirect:
    """What will happen, before it does."""
    actor = known_actor(request)
    place = await find_place(tx, place_id, actor.district)
    if what is None:
        return Redirect(f"/reg/places/{place_id}", status_code=303)
    return _warning(actor, place, what, {"gate": gate})


def _warning(
    actor: Actor,
    place: Detail,
    what: Turn,
    values: dict[str, str],
    refused: Refused | None = None,
) -> Page:
    path = f"/reg/places/{place.id}/act"
    gate = values.get("gate") or None
    field = {"until_past": "until", "until_malformed": "until"}
    told = [error(field.get(refused.code, "reason"), refused)] if refused else []
    readable = url_with(path, what=what.value, gate=gate, lang=other_locale(current_locale()))
    framed = framing(actor, path) | {"other_locale_url": readable}
    return page(
        "place_act.html",
        http_status=422 if refused else 200,
        place=place,
        what=what.value,
        gate=gate or "",
        values=values,
        errors=told,
        **framed,
    )


@post("/reg/places/{place_id:int}/act", guards=[requires(Role.REGISTRAR)], status_code=200)
async def act_form(
    request: AnyRequest,
    place_id: FromPath[int],
    data: URLEncodedBody[ActForm],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Rotate or revoke a code; suspend, resume or revoke a place."""
    actor, now = known_actor(request), clock.now()
    place = await find_place(tx, place_id, actor.district)
    if data.act not in set(Turn):
        raise Unprocessable("unknown_act", known=[turn.value for turn in Turn])
    what = Turn(data.act)
    try:
        said = CodeAct(act=what, reason=data.reason, gate=data.gate, until=_until(data.until))
        await act_on_codes(tx, place_id, said, actor, now, district=actor.district)
    except Refused as refused:
        values = {"gate": data.gate, "reason": data.reason, "until": data.until}
        return _warning(actor, place, what, values, refused)
    return Redirect(f"/reg/places/{place_id}", status_code=303)


def _until(said: str) -> datetime | None:
    """As a field for date and time gives it, in local time."""
    if not said.strip():
        return None
    try:
        at = datetime.fromisoformat(said.strip())
    except ValueError as malformed:
        raise Unprocessable("until_malformed") from malformed
    return at if at.tzinfo else at.replace(tzinfo=LOCAL_ZONE)


HANDLERS: list[Any] = [place_page, place_contact, act_page, act_form]
