"""My data: what is stored about a driver, who looked, and what they may do about it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from checkpoint.me import CLASSES, correct, everything, withdraw
from closedloop.question_forms import LAST_PASS
from closedloop.reporting import Office
from kernel.auth import public
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import t
from kernel.web import Page, page
from registry.drivers import COOKIE, proven_person
from registry.wording import error
from registry.world import World

AnyRequest = Request[Any, Any, Any]
#: Whoever has not shown in this hour that it is they, shows it first and comes back.
AGAIN = "/d/again?next=/d/me"
#: A page for a cheap telephone; the file to take along holds everything.
MOST_SHOWN = 20


class CorrectForm(Struct, frozen=True, kw_only=True):
    name: str = ""
    phone: str = ""


async def _proven(request: AnyRequest, conn: Connection, now: datetime) -> UUID | None:
    token = request.cookies.get(COOKIE, "")
    return await proven_person(conn, token, now) if token else None


def _again() -> Redirect:
    return Redirect(AGAIN, status_code=303)


@get("/d/me", guards=[public])
async def my_data(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page | Redirect:
    """What is stored about the person whose device this is, once they have shown it is they."""
    now = clock.now()
    person_id = await _proven(request, tx, now)
    if person_id is None:
        return _again()
    notice = t("ui.me.corrected") if done == "corrected" else None
    return await _show(tx, office, person_id, now, notice=notice)


async def _show(
    conn: Connection,
    office: Office,
    person_id: UUID,
    now: datetime,
    *,
    notice: str | None = None,
    said: CorrectForm | None = None,
    refused: Refused | None = None,
) -> Page:
    stored = await everything(conn, office, person_id, now, action="read_own")
    world, person = await office.cache.now(conn), stored["person"]
    given = said or CorrectForm(name=person["name"] or "", phone=person["phone"] or "")
    return page(
        "my_data.html",
        http_status=200 if refused is None else 422,
        path="/d/me",
        person=person,
        journeys=[_journey(each, world) for each in stored["journeys"][:MOST_SHOWN]],
        more_journeys=max(0, len(stored["journeys"]) - MOST_SHOWN),
        visits=[_visit(each, world) for each in stored["visits"][:MOST_SHOWN]],
        more_visits=max(0, len(stored["visits"]) - MOST_SHOWN),
        evidence=stored["evidence"],
        devices=[each for each in stored["devices"] if each["revoked_at"] is None],
        drafts=stored["drafts"],
        looked=stored["looked"][:MOST_SHOWN],
        more_looked=max(0, len(stored["looked"]) - MOST_SHOWN),
        classes=[{"name": name, "days": stored["kept_days"][name]} for name in CLASSES],
        values={"name": given.name, "phone": given.phone},
        notice=notice,
        errors=[] if refused is None else [error(_field(refused), refused)],
    )


def _field(refused: Refused) -> str:
    return next((part for part in ("name", "phone") if refused.code.startswith(part)), "")


def _journey(told: dict[str, Any], world: World) -> dict[str, Any]:
    places = (world.places.get(each) for each in told["stops"])
    return {
        "state": told["state"],
        "plate": told["plate"],
        "reported_at": told["reported_at"],
        "stops": [place.name for place in places if place is not None],
    }


def _visit(told: dict[str, Any], world: World) -> dict[str, Any]:
    place = world.places.get(told["place_id"])
    return {"place": "" if place is None else place.name, "at": told["visited_at"]}


@post("/d/me/correct", guards=[public], status_code=200)
async def correct_data(
    request: AnyRequest,
    data: URLEncodedBody[CorrectForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Name and telephone; the document number is corrected at the desk."""
    now = clock.now()
    person_id = await _proven(request, tx, now)
    if person_id is None:
        return _again()
    try:
        async with tx.transaction():
            await correct(tx, office, person_id, name=data.name, phone=data.phone, now=now)
    except Refused as refused:
        return await _show(tx, office, person_id, now, said=data, refused=refused)
    return Redirect("/d/me?done=corrected", status_code=303)


@post("/d/me/download", guards=[public], status_code=200)
async def download(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """Everything as one JSON file, to take along."""
    now = clock.now()
    person_id = await _proven(request, tx, now)
    if person_id is None:
        return _again()
    stored = await everything(tx, office, person_id, now, action="export_own")
    return Response(
        msgspec.json.format(msgspec.json.encode(stored, enc_hook=str)),
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="my-data.json"'},
    )


@get("/d/me/withdraw", guards=[public])
async def withdraw_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """What happens and what stays, and why, before anything is done."""
    now = clock.now()
    person_id = await _proven(request, tx, now)
    if person_id is None:
        return _again()
    stored = await everything(tx, office, person_id, now, action="read_own")
    return page("withdraw.html", days=stored["kept_days"], done=None)


@post("/d/me/withdraw", guards=[public], status_code=200)
async def withdraw_consent(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """Cancel what was not presented, forget the devices, and mark the record to be erased."""
    now = clock.now()
    person_id = await _proven(request, tx, now)
    if person_id is None:
        return _again()
    stored = await everything(tx, office, person_id, now, action="read_own")
    cancelled = await withdraw(tx, office, person_id, now)
    shown = page("withdraw.html", days=stored["kept_days"], done={"cancelled": cancelled})
    gone = [Cookie(key=name, value="", max_age=0, path="/") for name in (COOKIE, LAST_PASS)]
    shown.cookies = [*shown.cookies, *gone]
    return shown


HANDLERS: list[Any] = [my_data, correct_data, download, withdraw_page, withdraw_consent]
